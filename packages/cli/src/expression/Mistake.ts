/** A mistake in an expression, with its place. */

export interface Mistake {
  readonly problem: string
  readonly begin: number
  readonly end: number
  readonly advice?: string | undefined
  /** The option that would help, with its value. */
  readonly add?: { readonly option: "derive"; readonly value: string } | undefined
}

/** The most characters of a line that are shown: a file of one long line would fill the screen. */
const widest = 160

const lineOf = (text: string, at: number): { readonly start: number; readonly line: string } => {
  const start = text.lastIndexOf("\n", Math.max(0, at - 1)) + 1
  const stop = text.indexOf("\n", start)
  return { start, line: text.slice(start, stop < 0 ? text.length : stop) }
}

/** The whole line that a place is in. */
export const lineAt = (text: string, at: number): string => lineOf(text, at).line

/** The line that the mistake is in, or the part of it around the place, and `^` under the place. */
export const show = (text: string, { begin, end }: Mistake): ReadonlyArray<string> => {
  const { line: whole, start } = lineOf(text, begin)
  const at = begin - start
  const cut = whole.length > widest
  const from = cut ? Math.max(0, at - widest / 2) : 0
  const before = from > 0 ? "…" : ""
  const after = cut && from + widest < whole.length ? "…" : ""
  const line = `${before}${whole.slice(from, from + (cut ? widest : whole.length))}${after}`
  const place = at - from + before.length
  const width = Math.max(1, Math.min(end - begin, line.length - place))
  return [line.replaceAll("\t", " "), " ".repeat(cells(line.slice(0, place))) + "^".repeat(width)]
}

/** A terminal shows Han, Kana, Hangul and most emoji two cells wide. */
const cells = (text: string): number =>
  Array.from(text).reduce(
    (sum, character) =>
      sum +
      (/\p{M}/u.test(character)
        ? 0
        : /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]|\p{Emoji_Presentation}/u.test(character)
          ? 2
          : 1),
    0
  )

/** The known word that differs from `word` in the fewest letters, when those are few. */
export const nearest = (word: string, known: Iterable<string>): string | undefined => {
  let best: string | undefined
  let least = Math.min(word.length, Math.max(2, Math.floor(word.length / 3)) + 1)
  for (const candidate of known) {
    const distance = distanceOf(word.toLowerCase().replaceAll("_", ""), candidate.toLowerCase())
    if (distance < least) {
      best = candidate
      least = distance
    }
  }
  return best
}

const distanceOf = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
