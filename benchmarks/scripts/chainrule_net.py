import sys

import numpy as np

import chainrule as cr

d = np.load(sys.argv[1])
net = cr.Sequential(cr.Dense(64, "relu"), cr.Dense(10, "softmax"))
net.fit(d["rows"], d["labels"], optimizer=cr.Adam(0.01), epochs=20, batch_size=32)
print((net.predict_classes(d["test_rows"]) == d["test_labels"]).mean())
