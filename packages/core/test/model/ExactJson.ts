/** JSON of numbers of every size, and a reader that rounds none: what every sink is held against. */

/** The digits of a number as a fraction without rounding: two spellings of one value are the same text. */
export const exact = (number: string): string => {
  const found = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(number)
  if (found === null) throw new Error(`${number} is no number of JSON`)
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = found
  const all = (whole + fraction).replace(/^0+/, "")
  const digits = all.split(/(?=0)/).reduceRight((end, piece) => (end === "" && piece === "0" ? "" : piece + end), "")
  if (digits === "") return "0"
  return `${sign}${digits}*10^${BigInt(exponent) - BigInt(fraction.length) + BigInt(all.length - digits.length)}`
}

/** A number stands as text that no text of the file looks like. */
export const numberMark = "number:"

/** Values as `JSON.parse` gives them, but numbers as `number:` and what `exact` says, and objects as lists of their members. */
export const read = (text: string): unknown => {
  let at = 0
  const skip = () => {
    while (at < text.length && " \t\r\n".includes(text.charAt(at))) at++
  }
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found === undefined) throw new Error(`no JSON at ${at}: ${text.slice(at, at + 40)}`)
    at += found.length
    return found
  }
  const string = (): string => String(JSON.parse(take(/"(?:[^"\\]|\\.)*"/y)))
  const list = <A>(end: string, one: () => A): ReadonlyArray<A> => {
    const all: Array<A> = []
    at++
    skip()
    if (text[at] === end) at++
    else {
      for (;;) {
        all.push(one())
        skip()
        const next = take(/[,\]}]/y)
        if (next === end) break
        skip()
      }
    }
    return all
  }
  const value = (): unknown => {
    skip()
    switch (text[at]) {
      case "{":
        return {
          members: list("}", () => {
            skip()
            const key = string()
            skip()
            take(/:/y)
            return [key, value()] as const
          })
        }
      case "[":
        return list("]", value)
      case '"':
        return string()
      case "t":
      case "f":
      case "n":
        return JSON.parse(take(/true|false|null/y)) as unknown
      default:
        return numberMark + exact(take(/-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y))
    }
  }
  const found = value()
  skip()
  if (at !== text.length) throw new Error(`something behind the JSON at ${at}`)
  return found
}

/** From 0 up to, not including, `below`. */
export type Roll = (below: number) => number

export const rollOf = (seed: number): Roll => {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below)
  }
}

const digits = (roll: Roll, count: number): string =>
  `${1 + roll(9)}${Array.from({ length: Math.max(0, count - 1) }, () => roll(10)).join("")}`

/** Ids, amounts, doubles at their limits, numbers beyond them. */
export const number = (roll: Roll): string => {
  const sign = roll(3) === 0 ? "-" : ""
  const kinds: ReadonlyArray<() => string> = [
    () => String(roll(1000)),
    () => "0",
    () => digits(roll, 1 + roll(25)),
    () => `${digits(roll, 1 + roll(20))}.${Array.from({ length: 1 + roll(25) }, () => roll(10)).join("")}`,
    () => `0.${"0".repeat(roll(30))}${digits(roll, 1 + roll(20))}`,
    () => `${digits(roll, 1 + roll(18))}e${roll(2) === 0 ? "+" : ""}${roll(420)}`,
    () => `${roll(10)}.${digits(roll, 1 + roll(18))}E-${roll(420)}`,
    () => `1e${"0".repeat(roll(3))}${digits(roll, 1 + roll(4))}`,
    () => String(2 ** (40 + roll(900))).replace("e+", "e"),
    () => String(9_007_199_254_740_991n + BigInt(roll(5))),
    () => String(9_223_372_036_854_775_805n + BigInt(roll(5))),
    () => `${digits(roll, 1 + roll(4))}${"0".repeat(roll(30))}`
  ]
  return `${sign}${kinds[roll(kinds.length)]?.() ?? "0"}`
}

const texts = [
  "",
  "plain",
  ': 4876876000000420001, "x": 1e400 ',
  "[12345678901234567890]",
  '\\"',
  "Zoë 😀",
  "exact-1:5",
  "018f4e12-7a3b-7c1d-9e200-1e999",
  "\u2028"
]
const keys = ["a", "id", "__proto__", "toJSON", "text", "constructor", "key 1e400", '"', "4876876000000420001", "b"]

/** The text of a value, with spaces here and there. */
export const json = (roll: Roll, depth = 3): string => {
  const space = () => ["", "", "", " ", "\n  ", "\t"][roll(6)] ?? ""
  const kind = roll(depth > 0 ? 6 : 3)
  if (kind === 0) return `${space()}${JSON.stringify(texts[roll(texts.length)])}`
  if (kind <= 2) return `${space()}${roll(8) === 0 ? (["true", "false", "null"][roll(3)] ?? "") : number(roll)}`
  const count = roll(5)
  if (kind <= 3) return `${space()}[${Array.from({ length: count }, () => json(roll, depth - 1) + space()).join(",")}]`
  const own = keys.toSorted(() => roll(3) - 1).slice(0, count)
  return `${space()}{${own.map((key) => `${space()}${JSON.stringify(key)}${space()}:${json(roll, depth - 1)}`).join(",")}}`
}

/** An object in any case. */
export const object = (roll: Roll): string => {
  const members = Array.from({ length: 1 + roll(4) }, (_, at) => `"k${at}":${json(roll)}`)
  return `{${members.join(",")}}`
}
