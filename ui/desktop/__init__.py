"""The trader's window: PyQt5 and pyqtgraph, fed by the live lane. It holds no market logic and waits for nothing."""
