"""The trader's window: PyQt5 and pyqtgraph, fed by the live lane; holds no market logic, sends commands, waits for nothing."""
