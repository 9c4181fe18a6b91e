// The cart is a plain object from what is sold to how many, as the function keeps it.
import catalogue from './catalogue.json';

const MOST_OF_EACH = 9;

export function added(cart, sku) {
  return { ...cart, [sku]: Math.min((cart[sku] ?? 0) + 1, MOST_OF_EACH) };
}

export function isSold(sku) {
  return Object.hasOwn(catalogue, sku);
}

export function goods() {
  return Object.entries(catalogue).map(([sku, { name, cents }]) => ({ sku, name, price: price(cents) }));
}

export function lines(cart) {
  return Object.entries(cart)
    .filter(([sku]) => isSold(sku))
    .map(([sku, quantity]) => ({
      name: catalogue[sku].name,
      quantity,
      sum: price(catalogue[sku].cents * quantity),
    }));
}

function price(cents) {
  return `${(cents / 100).toFixed(2)} €`;
}
