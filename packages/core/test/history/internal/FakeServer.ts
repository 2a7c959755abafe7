/** A small server for the parts of the reader, and how they are set up. */
import * as Settings from "../../../src/history/internal/Settings.ts"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import type { Known } from "../../../src/history/internal/Known.ts"
import * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import type { Item } from "@callstream/core/model/Item"
import * as Effect from "effect/Effect"
import * as Adversary from "../../torture/Adversary.ts"

export const second = 1_000_000
export const hour = 3600 * second
export const day = 24 * hour
export const began = Date.UTC(2026, 5, 1) * 1000

/** Newest first, ten a page, nothing moves. */
export const quiet: Adversary.Traits = {
  cap: 10,
  order: "start",
  newestFirst: true,
  sorting: true,
  undatedFirst: true,
  includes: { after: true, before: false },
  tieOrder: "id",
  beyond: "empty",
  offsetFrom: "brought",
  filterAfterPaging: false
}

export const rowsAt = (starts: ReadonlyArray<number>): ReadonlyArray<Adversary.Row> =>
  starts.map((start, i) => ({ id: `row-${i}`, start, created: start }))

export const open = (
  rows: ReadonlyArray<Adversary.Row>,
  traits: Partial<Adversary.Traits> = {},
  step = 0
): Adversary.Server =>
  Adversary.serve(
    rows,
    { ...quiet, ...traits },
    { began, step, seed: 1, limit: 10_000, range: { after: -Infinity, before: Infinity }, horizon: Infinity }
  )

const sort: Ask.Sort = { by: undefined, order: undefined }

export const askOf = (server: Adversary.Server, size = 10): Ask.Ask => Ask.make(server.client.list, {}, { size, sort })

export const control = (id: string, start: number): Rows.Dated => ({
  key: id,
  start: Instant.of(start),
  item: undefined,
  rejected: undefined
})

export const settingsOf = (server: Adversary.Server, rest: Partial<Settings.Settings> = {}): Settings.Settings => ({
  list: server.client.list,
  filters: {},
  size: 10,
  sort,
  repeats: Effect.succeed(false),
  controls: [],
  ends: { newest: false, oldest: false },
  hold: (rows) => rows,
  horizon: 2 * hour,
  now: began,
  seen: began,
  latest: began,
  doubt: undefined,
  logs: new Set(),
  perWindow: 100,
  mostOverlapping: 12,
  maxCharacters: Infinity,
  concurrency: 4,
  ...rest
})

export const known = (rest: Partial<Known> = {}): Known => ({
  order: "unknown",
  width: 0,
  refused: Infinity,
  differs: false,
  earliest: began,
  deepest: Infinity,
  whole: 0,
  requests: 0,
  worth: 0,
  ...rest
})

export const item = (id: string, start: number): Item<CallSession> => ({
  id,
  start: Instant.of(start),
  created: Instant.of(start),
  version: undefined,
  row: { id },
  json: undefined
})
