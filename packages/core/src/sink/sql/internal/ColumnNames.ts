/** Names of tables and columns as a database can hold them. */

export interface Limits {
  /** Bytes of UTF-8 that a name may have. */
  readonly bytes: number
  /** The same for names that are one to the database. */
  readonly fold: (name: string) => string
  /** What no column may be called. */
  readonly reserved: ReadonlySet<string>
}

const encoder = new TextEncoder()

/** Cut between characters, so that it has no more bytes than that. */
const cut = (name: string, bytes: number): string => {
  if (name.length * 3 <= bytes || encoder.encode(name).length <= bytes) return name
  let kept = ""
  let length = 0
  for (const character of name) {
    length += encoder.encode(character).length
    if (length > bytes) break
    kept += character
  }
  return kept
}

/** As they are when that can be, otherwise cut, and with a number when another one is called so already. */
export const unique =
  ({ bytes, fold, reserved }: Limits) =>
  (wanted: ReadonlyArray<string>): ReadonlyArray<string> => {
    const taken = new Set(reserved)
    return wanted.map((want) => {
      const clean = want.toWellFormed().replaceAll("\0", "\ufffd")
      const base = clean === "" ? "column" : clean
      let name = cut(base, bytes)
      for (let n = 2; taken.has(fold(name)); n++) name = `${cut(base, bytes - `_${n}`.length)}_${n}`
      taken.add(fold(name))
      return name
    })
  }

/** As a database does that does not tell the case of ASCII letters. */
export const foldCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
