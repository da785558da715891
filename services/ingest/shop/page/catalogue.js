// What the shop sells, and money.

const product = (id, name, category, price, tint, about, facts) => ({ id, name, category, price, tint, about, facts, drawing: `drawings/${id}.svg` })

export const products = [
  product('mug', 'Enamel mug', 'Camp kitchen', 18, 'moss', 'Steel under two coats of enamel. It outlives its owner, and keeps the coffee warm for about as long as the view lasts.', ['350 ml', 'Steel and enamel', 'For fire and dishwasher']),
  product('jacket', 'Rain jacket', 'Clothing', 149, 'sky', 'Three layers, taped seams, and a hood that turns with your head. For weather that others call bad.', ['20,000 mm water column', '410 g', 'Recycled nylon']),
  product('socks', 'Wool socks', 'Clothing', 16.5, 'rose', 'Merino where it is cold, terry where it rubs. Knitted by people who walk in them.', ['72 % merino', 'Sizes 36 to 47', 'Pair']),
  product('pack', 'Roll-top pack', 'On the way', 119, 'sand', 'One big room, one dry pocket, and straps that stay where you put them.', ['24 litres', 'Waterproof', 'Fits a 15-inch laptop']),
  product('lantern', 'Camp lantern', 'Camp kitchen', 64, 'dusk', 'Warm light for the tent and the kitchen table. It burns for three nights, and fills at any socket.', ['180 lumen', '60 hours', 'USB-C']),
  product('bottle', 'Steel bottle', 'On the way', 29.9, 'sky', 'Cold for a day, hot for half of one. The lid is a cup.', ['750 ml', 'Double wall', 'No plastic inside']),
  product('blanket', 'Wool blanket', 'Camp kitchen', 89, 'rose', 'Woven from the wool of one valley, with straps to carry it to the next.', ['150 × 200 cm', 'New wool', 'Leather straps']),
  product('tent', 'Tent for two', 'On the way', 249, 'moss', 'Up in four minutes, also in the wind, also in the dark, also while arguing.', ['1.9 kg', 'Two doors', '3,000 mm water column']),
]

export const byId = (id) => products.find((p) => p.id === id)

let format = new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' })
export let currency = 'EUR'

// trade sets the currency, ISO 4217, of all prices.
export function trade(code) {
  currency = code
  format = new Intl.NumberFormat('en', { style: 'currency', currency })
}

export const money = (amount) => format.format(amount)
export const minorMoney = (minor) => money(minor / 10 ** format.resolvedOptions().maximumFractionDigits)

// line is a product as Segment's e-commerce events have it.
export const line = (p, quantity = 1) => ({ product_id: p.id, sku: p.id.toUpperCase(), name: p.name, brand: 'Rill', category: p.category, price: p.price, quantity, currency })
