"""The admin's theme, its first page, its map."""

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _entry(title: object, icon: str, address: str) -> dict[str, object]:
    return {"title": title, "icon": icon, "link": reverse_lazy(address)}


def _list(title: object, icon: str, model: str) -> dict[str, object]:
    return _entry(title, icon, f"admin:{model}_changelist")


UNFOLD = {
    "SITE_TITLE": _("DCMM records"),
    "SITE_HEADER": _("DCMM records"),
    "SITE_SUBHEADER": _("Everything can be read; nothing can be changed here"),
    "SITE_URL": "/desk/",
    "SITE_ICON": lambda request: static("img/mark.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/mark.svg")}],
    "STYLES": [lambda request: static("css/records.css")],
    "SHOW_LANGUAGES": True,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "trading.admin.dashboard.dashboard",
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "primary": {
            "50": "#effaf8", "100": "#d6f1ed", "200": "#b0e3dc", "300": "#7ecec5", "400": "#49b2a8", "500": "#2a958d",
            "600": "#0b6e69", "700": "#0f5f5b", "800": "#114c4a", "900": "#123f3e", "950": "#042625",
        }
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": True,
        "navigation": [
            {"title": _("Now"), "items": [
                _entry(_("Markets now"), "monitoring", "admin:index"), _entry(_("Desk"), "candlestick_chart", "desk")]},
            {"title": _("Trading"), "separator": True, "items": [
                _list(_("Fills"), "swap_vert", "trading_fill"), _list(_("Orders"), "list_alt", "trading_order"),
                _list(_("Decisions"), "psychology", "trading_decision"), _list(_("Positions"), "donut_large", "trading_position"),
                _list(_("Reconciliation"), "balance", "trading_reconciliationreport")]},
            {"title": _("Treasury"), "separator": True, "items": [
                _list(_("Wallets"), "account_balance_wallet", "trading_treasurywallet"),
                _list(_("Buybacks"), "shopping_cart", "trading_buyback"),
                _list(_("Rewards"), "redeem", "trading_rewardpayout")]},
            {"title": _("Rules"), "separator": True, "items": [
                _list(_("Parameters"), "tune", "trading_parameterset"), _list(_("Limits"), "speed", "trading_exposurelimit"),
                _list(_("Trading states"), "toggle_on", "trading_tradingcontrol"), _list(_("Locks"), "lock", "trading_lock")]},
            {"title": _("Record"), "separator": True, "items": [
                _list(_("Events"), "history", "trading_event"), _list(_("People"), "group", "governance_user")]},
        ],
    },
}  # fmt: skip
# A version of parameters is put back by a proposal, never from its history page.
SIMPLE_HISTORY_REVERT_DISABLED = True
