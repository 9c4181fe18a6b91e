"""What the shop sells; prices are in cents."""

from __future__ import annotations

from dataclasses import dataclass

MOST_OF_EACH = 20


@dataclass(frozen=True)
class Product:
    sku: str
    name: str
    line: str
    cents: int


@dataclass(frozen=True)
class CartLine:
    product: Product
    quantity: int

    @property
    def cents(self) -> int:
        return self.product.cents * self.quantity


CATALOGUE = {
    product.sku: product
    for product in (
        Product("lantern", "Brass lantern", "Lit at dusk, put out at will.", 4800),
        Product("kettle", "Stovetop kettle", "Sings when it is ready, not before.", 5600),
        Product("mug", "Enamel mug", "Survives every fall but the last.", 1400),
        Product("candle", "Beeswax candle", "Ends by itself after nine hours.", 900),
        Product("notebook", "Linen notebook", "Remembers what you tell it.", 1250),
        Product("blanket", "Wool blanket", "Folded once, warm for years.", 7200),
    )
}


def cart_lines(cart: dict[str, int]) -> list[CartLine]:
    """The cart in the catalogue's order; what is no longer sold is left out."""
    return [
        CartLine(product, cart[sku]) for sku, product in CATALOGUE.items() if cart.get(sku, 0) > 0
    ]


def price(cents: int) -> str:
    return f"€{cents // 100:,}.{cents % 100:02}"
