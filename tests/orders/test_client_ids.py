import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.orders.client_ids import ClientOrderId, format_client_order_id, parse_client_order_id


def test_the_form_is_as_documented() -> None:
    parts = ClientOrderId(12, "buy", 0, 1795385517, 678)
    assert format_client_order_id(parts) == "m12b0e1795385517c678"
    assert parse_client_order_id("m12b0e1795385517c678") == parts
    named = ClientOrderId(12, "buy", 0, 1795385517, 678, "k3x9")
    assert format_client_order_id(named) == "m12b0e1795385517c678ik3x9"
    assert parse_client_order_id("m12b0e1795385517c678ik3x9") == named


@given(
    st.builds(
        ClientOrderId,
        st.integers(0, 9999),
        st.sampled_from(["buy", "sell"]),
        st.integers(0, 9),
        st.integers(0, 10**12 - 1),
        st.integers(0, 10**9 - 1),
        st.just(""),
    )
    # With a name, what is left of 32 characters: epochs begin at the time of the installation, ten digits for 270 years.
    | st.builds(
        ClientOrderId,
        st.integers(0, 999),
        st.sampled_from(["buy", "sell"]),
        st.integers(0, 9),
        st.integers(0, 10**10 - 1),
        st.integers(0, 10**9 - 1),
        st.from_regex("[0-9a-z]{4}", fullmatch=True),
    )
)
def test_every_id_comes_back_and_fits_every_venue(parts: ClientOrderId) -> None:
    text = format_client_order_id(parts)
    assert parse_client_order_id(text) == parts
    assert len(text) <= 32 and text.isalnum()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m1x0e1c1",
        "m1b0e1c1 ",
        "x",
        "m1b0e1c1\n",
        "m١b0e1c1",
        "web-123",
        "m1b0e1c1iABCD",
        "m1b0e1c1iabc",
        "m1b0e1c1iabcde",
        "venue-77",
    ],
)
def test_what_is_not_ours_is_none(text: str) -> None:
    assert parse_client_order_id(text) is None


@pytest.mark.parametrize(
    "parts",
    [
        ClientOrderId(1, "buy", 10, 1, 1),
        ClientOrderId(10**4, "buy", 0, 1, 1),
        ClientOrderId(1, "none", 0, 1, 1),
        ClientOrderId(1, "buy", 0, 1, 1, "toolong"),
        ClientOrderId(9999, "buy", 0, 10**11, 10**8, "k3x9"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts: ClientOrderId) -> None:
    with pytest.raises(ValueError, match="no client order id"):
        format_client_order_id(parts)
