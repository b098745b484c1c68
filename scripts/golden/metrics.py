"""Prints the golden values of crates/core/src/metrics.rs.

    python3 scripts/golden/metrics.py        (needs scikit-learn)
"""

from sklearn.metrics import accuracy_score, precision_recall_fscore_support

labels = [0, 1, 2, 2, 1, 0, 3, 3, 3, 1]
predictions = [0, 2, 2, 2, 1, 0, 1, 3, 0, 1]
classes = [0, 1, 2, 3, 4]
for average in (None, "macro"):
    print(average, precision_recall_fscore_support(labels, predictions, labels=classes, average=average, zero_division=0))
print("accuracy", accuracy_score(labels, predictions))
