"""The two dialogs that change what may be sent: enabling trading, and STOP."""

from __future__ import annotations

from PyQt5.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QMessageBox,
    QVBoxLayout,
    QWidget,
)

STOP_TEXT = (
    "Switch trading off and cancel ALL working orders?\n\n"
    "This is TWS's global cancel: it also cancels orders that were placed in TWS itself or by other programs."
)


class EnableDialog(QDialog):
    """For which account, and for how long."""

    def __init__(self, account: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Enable trading")
        self.setObjectName("enable")
        text = QLabel(
            f"Orders may then be sent for the paper account {account}, each with two deliberate acts.\n"
            "Trading goes off by itself at the chosen time, when TWS is disconnected, and at every restart."
        )
        text.setWordWrap(True)
        self.hours = QDoubleSpinBox()
        self.hours.setObjectName("enable.hours")
        self.hours.setAccessibleName("Hours")
        self.hours.setRange(0.1, 8.0)
        self.hours.setValue(8.0)
        self.hours.setSuffix(" h")
        buttons = QDialogButtonBox(QDialogButtonBox.Cancel)
        self.enable = buttons.addButton("Enable trading", QDialogButtonBox.AcceptRole)
        self.enable.setAccessibleName("Enable trading")
        buttons.button(QDialogButtonBox.Cancel).setAccessibleName("Cancel")
        buttons.button(QDialogButtonBox.Cancel).setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form = QFormLayout()
        form.addRow("For at most", self.hours)
        column = QVBoxLayout(self)
        column.addWidget(text)
        column.addLayout(form)
        column.addWidget(buttons)


class StopDialog(QMessageBox):
    """Asks once; Enter confirms, because ending risk is one act."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(QMessageBox.Warning, "STOP", STOP_TEXT, QMessageBox.NoButton, parent)
        self.setObjectName("stop")
        self.stop_button = self.addButton("STOP: cancel all", QMessageBox.AcceptRole)
        self.stop_button.setAccessibleName("Stop now")
        back = self.addButton("Back", QMessageBox.RejectRole)
        back.setAccessibleName("Back")
        self.setDefaultButton(self.stop_button)
        self.setEscapeButton(back)
