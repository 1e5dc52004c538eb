"""Tokens as Qt objects: palette, shared colours and brushes, fonts. Made once for each theme."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QBrush, QColor, QFont, QFontDatabase, QPalette
from PyQt5.QtWidgets import QApplication, QLabel, QWidget

from ui.desktop import theme
from ui.desktop.theme import Theme, Tone


class Looks:
    """Colours and fonts of one theme; shared by all painters, never made in a paint."""

    def __init__(self, tokens: Theme, base_px: int = theme.BASE_PX) -> None:
        self.tokens = tokens
        self.base_px = base_px
        self.text = [QColor(tokens.text(tone)) for tone in Tone]
        self.bg0, self.bg1, self.bg2 = (QColor(c) for c in (tokens.bg0, tokens.bg1, tokens.bg2))
        self.grid = QColor(theme.mix(tokens.bg2, tokens.dim, 0.25))
        self.selected = QBrush(QColor(theme.mix(tokens.bg0, tokens.accent, 0.22)))
        self.flash = [QBrush(QColor(theme.mix(tokens.bg0, tokens.accent, share))) for share in (0.24, 0.10)]
        self.critical = QBrush(QColor(tokens.critical))
        self.hatch = QBrush(QColor(theme.mix(tokens.bg1, tokens.stale, 0.55)), Qt.BDiagPattern)
        self.ui_font = _font(theme.UI_FONTS, base_px)
        self.figure_font = _font(theme.FIGURE_FONTS, base_px)
        self.figure_italic = _font(theme.FIGURE_FONTS, base_px, italic=True)
        self.figure_bold = _font(theme.FIGURE_FONTS, base_px, bold=True)
        self.big_font = _font(theme.FIGURE_FONTS, round(base_px * 1.35), bold=True)
        self.big_italic = _font(theme.FIGURE_FONTS, round(base_px * 1.35), bold=True, italic=True)
        self.small_font = _font(theme.UI_FONTS, max(10, base_px - 1))

    def colour(self, tone: Tone) -> QColor:
        """The shared colour of a tone."""
        return self.text[tone]

    def dress(self, application: QApplication) -> None:
        """Fusion style, our palette, our font."""
        application.setStyle("Fusion")
        palette = self.palette()
        application.setPalette(palette)
        palette.setColor(QPalette.Base, self.bg2)  # boxes to write in stand out from tables
        application.setPalette(palette, "QLineEdit")
        application.setFont(self.ui_font)

    def filled_button(self, ground: str, ink: str) -> str:
        """Style of a button whose colour means something; Fusion's gradient would change it."""
        edge = theme.mix(ground, ink, 0.35)
        return (
            f"QPushButton {{ background: {ground}; color: {ink}; border: 1px solid {edge}; border-radius: 2px;"
            f" padding: 4px 10px; font-weight: bold; }} QPushButton:focus {{ border: 2px solid {ink}; }}"
            f" QPushButton:disabled {{ background: {self.tokens.bg2}; color: {self.tokens.dim}; }}"
        )

    def side_button(self) -> str:
        """BUY and SELL: the chosen one is filled; the word says which."""
        tokens = self.tokens
        return (
            f"QPushButton {{ background: {tokens.bg2}; color: {tokens.fg}; border: 1px solid {tokens.dim};"
            f" border-radius: 2px; padding: 3px 14px; }}"
            f" QPushButton:checked {{ background: {tokens.accent}; color: {tokens.bg0}; font-weight: bold; }}"
            f" QPushButton:focus {{ border: 2px solid {tokens.fg}; }}"
            f" QPushButton:disabled {{ color: {tokens.dim}; }}"
            f" QPushButton:checked:disabled {{ background: {tokens.bg2}; color: {tokens.fg}; }}"
        )

    def palette(self) -> QPalette:
        """One palette for every widget; disabled texts are dim, not invisible."""
        tokens, palette = self.tokens, QPalette()
        roles = {
            QPalette.Window: tokens.bg1,
            QPalette.WindowText: tokens.fg,
            QPalette.Base: tokens.bg0,
            QPalette.AlternateBase: tokens.bg1,
            QPalette.Text: tokens.fg,
            QPalette.Button: tokens.bg2,
            QPalette.ButtonText: tokens.fg,
            QPalette.BrightText: tokens.alarm,
            QPalette.ToolTipBase: tokens.bg2,
            QPalette.ToolTipText: tokens.fg,
            QPalette.Highlight: tokens.accent,
            QPalette.HighlightedText: tokens.bg0,
            QPalette.Link: tokens.accent,
            QPalette.PlaceholderText: tokens.dim,
            QPalette.Light: theme.mix(tokens.bg2, tokens.fg, 0.15),
            QPalette.Mid: theme.mix(tokens.bg2, tokens.dim, 0.3),
            QPalette.Dark: theme.mix(tokens.bg1, "#000000", 0.3),
            QPalette.Shadow: "#000000",
        }
        for role, colour in roles.items():
            palette.setColor(role, QColor(colour))
        for role in (QPalette.WindowText, QPalette.Text, QPalette.ButtonText):
            palette.setColor(QPalette.Disabled, role, QColor(tokens.dim))
        return palette


def paint_text(label: QWidget, colour: QColor, ground: QColor | None = None) -> None:
    """Give one widget its text colour (and ground) by palette; nothing happens when it has them already."""
    palette = label.palette()
    if palette.color(QPalette.WindowText) == colour and (ground is None or palette.color(QPalette.Window) == ground):
        return
    palette.setColor(QPalette.WindowText, colour)
    palette.setColor(QPalette.ButtonText, colour)
    if ground is not None:
        palette.setColor(QPalette.Window, ground)
        palette.setColor(QPalette.Button, ground)
        label.setAutoFillBackground(True)
    label.setPalette(palette)


def set_text(label: QLabel, text: str) -> None:
    """Set a label's text only when it differs (setText relays out)."""
    if label.text() != text:
        label.setText(text)


def _font(families: Sequence[str], px: int, bold: bool = False, italic: bool = False) -> QFont:
    """The first family that is installed, in pixels, so that a theme looks the same everywhere."""
    known = set(QFontDatabase().families())
    font = QFont(next((name for name in families if name in known), families[0]))
    font.setPixelSize(px)
    font.setBold(bold)
    font.setItalic(italic)
    font.setStyleHint(QFont.Monospace if families is theme.FIGURE_FONTS else QFont.SansSerif)
    return font
