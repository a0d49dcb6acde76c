"""What a report measures: scores with their intervals, baselines, calibration, importance."""
