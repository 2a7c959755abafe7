/** An empty range between two known rows, and what is said of it. */
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Empty from "../../../src/history/internal/Empty.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import type { Settings } from "../../../src/history/internal/Settings.ts"
import type * as Task from "../../../src/history/internal/Task.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, control, day, known, open, rowsAt, settingsOf } from "./FakeServer.ts"

export const below = began - 50 * day
export const above = began - 10 * day
export const range = { from: began - 40 * day, to: began - 20 * day }
export const controls = [control("row-0", below), control("row-1", above)]

export const confirm = (
  starts: ReadonlyArray<number>,
  traits: Partial<Adversary.Traits> = {},
  rest: Partial<Settings> = {},
  width = 0,
  hides?: "again" | "no more",
  beside?: Task.Beside,
  isLast?: boolean
) =>
  Effect.gen(function* () {
    const server = open(rowsAt(starts), traits)
    const list = Patience.make(server.client.list)
    const settings = settingsOf(server, { list, controls, ...rest })
    const ask = Ask.make(list, {}, settings)
    const facts = known({ width })
    const coverage = yield* Empty.confirm(settings, facts, ask, range, Ask.boundsOf(range), hides, beside, isLast)
    return { tag: coverage?._tag, requests: server.requests() }
  })
