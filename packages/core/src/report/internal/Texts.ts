/** How often each text occurs, of a limited number of texts. */

/** Each call could have a text of its own. */
const mostTexts = 10_000

/** What texts beyond the limit count as. */
const others = "(others)"

/** Customers of a text that are counted. */
const mostCustomers = 3

interface Entry {
  readonly text: string
  calls: number
  /** Some of the customers in whose calls it occurred. */
  readonly customers: Array<string>
}

export type Texts = Map<string, Entry>

export const make = (): Texts => new Map()

/** Empty text is none. */
export const add = (texts: Texts, text: string, customer: string): void => {
  if (text === "") return
  const key = texts.size < mostTexts || texts.has(text) ? text : others
  const entry = texts.get(key) ?? { text: key, calls: 0, customers: [] }
  texts.set(key, entry)
  entry.calls++
  if (entry.customers.length < mostCustomers && !entry.customers.includes(customer)) entry.customers.push(customer)
}

/** Most calls first. */
export const list = (texts: Texts) =>
  Array.from(texts.values(), ({ calls, customers, text }) => ({ text, calls, customers: customers.length })).sort(
    (left, right) => right.calls - left.calls || (left.text < right.text ? -1 : 1)
  )
