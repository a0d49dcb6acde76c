import sys

import numpy as np

d = np.load(sys.argv[1])
print(len(d["rows"]) + len(d["labels"]) + len(d["test_rows"]) + len(d["test_labels"]))
