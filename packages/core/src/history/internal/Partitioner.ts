/** How a range is cut into tasks. */
import * as Ask from "../../endpoint/internal/Ask.ts"
import type { Task } from "./Task.ts"
import type * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"

/** Memory holds as many windows as are read in parallel: large records make them shorter. */
const charactersPerWindow = 8_000_000

/** A window with more is read in parts. */
export const maxCharacters = 3 * charactersPerWindow

/** Fewer pages are not worth what counting a window costs, more are not worth the memory. */
export const least = 10
const most = 45

/** Whether so many readers read all windows at once. */
export const isOneRound = (
  { about, profile }: { readonly about: number; readonly profile: { readonly pageSize: number } },
  readers: number
): boolean => about <= readers * most * profile.pageSize

/** Pages that a window should hold: as many windows as there are readers, or twice, three times as many. */
export const pagesPerWindow = (
  {
    about,
    charactersPerPage,
    profile
  }: { readonly about: number; readonly charactersPerPage: number; readonly profile: { readonly pageSize: number } },
  concurrency: number
): number => {
  const pages = about / profile.pageSize
  const turns = Math.max(1, Math.ceil(pages / (concurrency * most)))
  const even = Math.ceil((pages / (concurrency * turns)) * 1.02)
  return Math.max(4, Math.min(Math.max(least, even), most, Math.ceil(charactersPerWindow / charactersPerPage)))
}

const edgesOf = (range: Range, cuts: ReadonlyArray<Micros>): ReadonlyArray<Micros> =>
  [...new Set([...cuts.filter((cut) => cut > range.from && cut < range.to), range.to])].sort((a, b) => a - b)

interface Shape {
  readonly controls: ReadonlyArray<Rows.Dated>
  readonly ends: { readonly newest: boolean; readonly oldest: boolean }
  readonly oldRows: ReadonlyArray<Rows.Dated>
  readonly rate: number
  readonly about: number
}

/**
 * The tasks that tile a range, in order: cut where sinks are, at the horizon, and where the calls begin and end. How many rows
 * each holds is a guess; one that holds too many is counted and cut. The first is small, so that the first calls come soon;
 * it comes alone where nobody reads ahead. Newest first, the horizon does so.
 */
export const tasks = (
  range: Range,
  cuts: ReadonlyArray<Micros>,
  { about, controls, ends, oldRows, rate }: Shape,
  { ahead, newestFirst, small }: Readonly<Record<"ahead" | "newestFirst" | "small", boolean>>,
  latest: Micros
): { readonly first: ReadonlyArray<Task>; readonly rest: ReadonlyArray<Task> } => {
  const oldest = ends.oldest && controls[0] !== undefined ? Ask.floorSecond(controls[0].start) : -Infinity
  const newest = controls.at(-1)
  const end = ends.newest && newest !== undefined ? Ask.floorSecond(newest.start) + Ask.second : Infinity
  const middle = oldRows[Math.floor(oldRows.length / 2)]
  const soon =
    small && !newestFirst && middle !== undefined && oldRows.length >= 9 ? Ask.floorSecond(middle.start) : Infinity
  const edges = edgesOf(range, [...cuts, oldest, end, soon])
  const all = edges.map((to, i): Task => {
    const from = edges[i - 1] ?? range.from
    const low = Math.max(from, oldest)
    const high = Math.min(to, end)
    const empty = low >= high || from >= latest
    return { from, to, expected: empty ? 0 : Math.min(about, Math.max(1, rate * (high - low))) }
  })
  if (newestFirst) return { first: [], rest: all.toReversed() }
  const isFirst = !ahead && all[0]?.to === soon && all.length > 1
  return isFirst ? { first: all.slice(0, 1), rest: all.slice(1) } : { first: [], rest: all }
}
