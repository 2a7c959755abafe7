/** How a range is cut into windows. */
import type { Instant } from "../../model/Instant.ts"
import type { Range } from "../Coverage.ts"
import * as Ask from "./Ask.ts"

/** As many windows as are read side by side are held in memory: sessions that are large make them shorter. */
const charactersPerWindow = 8_000_000

/** A window with more is read in parts. */
export const maxCharacters = 3 * charactersPerWindow

/** Pages that a window should hold, so that all readers have work and a small history is not cut to pieces. */
export const pagesPerWindow = (
  { charactersPerPage, pagesAtMost }: { readonly pagesAtMost: number; readonly charactersPerPage: number },
  concurrency: number
): number =>
  Math.max(
    4,
    Math.min(40, Math.ceil(pagesAtMost / (concurrency * 2)), Math.ceil(charactersPerWindow / charactersPerPage))
  )

/** How wide the next window should be that begins at an instant. */
export type Width = (at: Instant) => number

export const makeWidth = (options: {
  readonly oldest: Instant | undefined
  readonly perWindow: number
  readonly size: number
  readonly concurrency: number
  readonly density: Density
}): Width => {
  const { concurrency, density, oldest, perWindow, size } = options
  let begun = 0
  return (at) => {
    // Before the first session there is one window, however long.
    if (oldest !== undefined && at < oldest) return oldest - at
    // The first sessions come soon, and windows that begin together do not all end, and wait in memory, at once.
    const ramp = 0.5 + ++begun / concurrency / 2
    return (Math.max(4, perWindow * Math.min(1, ramp)) * size) / density.rowsPerMicro()
  }
}

/**
 * The next one of the ranges that tile up to the last edge: as wide as asked for, in whole seconds, none across an edge.
 * `edges` ascend; `undefined` when `from` has reached the last.
 */
export const next = (from: Instant, edges: ReadonlyArray<Instant>, width: Width): Range | undefined => {
  const { second } = Ask
  const edge = edges.find((candidate) => candidate > from)
  if (edge === undefined) return undefined
  const end = Math.floor((from + Math.max(width(from), second)) / second) * second
  // A rest too small for a window of its own goes with the last one.
  return { from, to: end > from && end + second < edge ? end : edge }
}

export const edgesOf = (range: Range, cuts: ReadonlyArray<Instant>): ReadonlyArray<Instant> =>
  [...cuts.filter((cut) => cut > range.from && cut < range.to), range.to].sort((a, b) => a - b)

export interface Density {
  readonly rowsPerMicro: () => number
  /** There were more than a window should hold. */
  readonly dense: () => void
  /** So many rows lay in a range. */
  readonly observe: (range: Range, rows: number) => void
}

/** Rows a µs, at first from the page count, then from the windows as they are read. */
export const makeDensity = (rowsAtMost: number, oldest: Instant, now: Instant): Density => {
  let density = (0.7 * rowsAtMost) / Math.max(1_000_000, now - oldest)
  return {
    rowsPerMicro: () => Math.max(density, Number.MIN_VALUE),
    dense: () => {
      density *= 1.5
    },
    observe: ({ from, to }, rows) => {
      // A quiet stretch makes the next window wider by half, not by any factor.
      density = Math.max(density / 1.5, (density + rows / (to - from)) / 2)
    }
  }
}
