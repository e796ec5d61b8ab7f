"""The notebook of "How deep learning can solve problems in high energy physics" (A. Mavuduru), step by step."""

import time

import numpy as np

from benchmarks.network import keras_model

LABEL = "# label"


class Notebook:
    """Does what the article shows; its search and its figures are left out."""

    def run(self, train: str, test: str, epochs: int) -> dict[str, float]:
        """Seconds from the files to the accuracy on the test file."""
        started = time.perf_counter()
        import pandas
        from sklearn.model_selection import train_test_split
        from sklearn.preprocessing import StandardScaler

        table = pandas.read_csv(train)
        scaler = StandardScaler()
        table["mass"] = scaler.fit_transform(table["mass"].values.reshape(-1, 1))
        x, y = table.drop([LABEL], axis=1), table[LABEL]
        x_train, x_valid, y_train, y_valid = train_test_split(x, y, test_size=0.3, random_state=42)
        model = keras_model()
        model.fit(x_train, y_train, epochs=epochs, validation_data=(x_valid, y_valid), verbose=0)
        table = pandas.read_csv(test)
        table["mass"] = scaler.fit_transform(table["mass"].values.reshape(-1, 1))
        x, y = table.drop([LABEL], axis=1), table[LABEL]
        loss, accuracy = model.evaluate(x, y, verbose=0)
        return {"seconds": time.perf_counter() - started, "loss": float(np.round(loss, 6)), "accuracy": float(accuracy)}
