/** Histories of a sync: passes over a living world, with kills at every step, held against what is true. */
import type { CallSession } from "@callstream/core/model/CallSession"
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import * as Instant from "@callstream/core/model/Instant"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Sync from "@callstream/core/sync/Sync"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { SyncState } from "../../src/sync/internal/SyncState.ts"
import { random } from "./SyncRandom.ts"
import * as World from "./SyncWorld.ts"

export interface Case extends World.Options {
  /** How often a pass is killed. */
  readonly kills: number
  readonly every: number
  /** How long passes go on, from the first call on. */
  readonly until: number
  /** In hours. */
  readonly horizon?: number
  readonly audits?: ReadonlyArray<number>
  /** Changes that a consumer flushes and acknowledges at once. @default 1 */
  readonly batch?: number
  /** How often the second consumer is away; without it there is none. */
  readonly away?: number
  /** How often passes follow one another closely for a while. @default 0 */
  readonly closely?: number
}

const kills = [
  "before a note",
  "after a note",
  "deliver",
  "flush",
  "before acknowledging",
  "after acknowledging"
] as const

/** Where a pass is killed, and how many times it comes by there first. */
interface Kill {
  readonly at: (typeof kills)[number]
  left: number
}

/** One of many short histories; its seed decides all of it. */
export const make = (seed: number): Case => {
  const { below, chance, next, pick } = random(seed + 1_000_003)
  const hours = (least: number, most: number) => Math.floor((least + next() * (most - least)) * World.hour)
  const one: Case = {
    seed,
    calls: 6 + below(16),
    days: 0.1 + 0.1 * next(),
    rare: pick([0, 2, 10, 40, 80]),
    pageSize: 8 + below(8),
    undated: chance(0.7) ? "created" : "front",
    isInclusive: chance(0.5),
    lag: chance(0.25) ? 5 * World.minute : 0,
    scale: 0.125,
    kills: pick([0, 0.3, 0.6]),
    every: pick([hours(0.3, 1), hours(1, 3), hours(1, 3), hours(2, 5)]),
    until: 0.9 * World.day,
    horizon: 0.5,
    audits: [2, 6, 12],
    batch: pick([1, 3, 20]),
    away: pick([0, 0.5, 0.9]),
    closely: pick([0, 0, 0.1])
  }
  if (!chance(0.3)) return one
  // Their pages have to be more than one.
  const rest = pick([{}, { pageSize: 5, connects: 0.5, calls: 2 * one.calls }])
  return { ...one, undated: "last", last: pick(["newest", "oldest", "none"]), ...rest }
}

export interface Outcome {
  readonly wrong: ReadonlyArray<string>
  readonly requests: number
  readonly passes: number
  readonly kills: number
  readonly changes: number
  readonly repeats: number
  readonly removed: number
}

/** Content, without what signs a link. */
const contentOf = (session: CallSession | undefined): string =>
  JSON.stringify(session, (key, value: unknown) =>
    key === "recordingUrl" && typeof value === "string" ? value.replace(/\?.*/, "") : value
  )

interface Row {
  readonly sequence: number
  readonly content: string
  readonly gone: boolean
}

const decodeState = Schema.decodeUnknownEffect(Schema.toCodecJson(SyncState))

class Killed extends Error {}

/** A ledger in which a pass is killed before or after a transaction. */
const killable = (kill: () => Kill | undefined): Layer.Layer<Ledger, never, Ledger> =>
  Layer.effect(
    Ledger,
    Effect.map(Ledger, ({ ask, names, open, view }) => ({
      ask,
      names,
      view,
      open: (name, fingerprint) =>
        Effect.map(open(name, fingerprint), (lease) => ({
          ...lease,
          note: (note) =>
            passBy(kill(), "before a note").pipe(
              Effect.andThen(lease.note(note)),
              Effect.andThen(Effect.suspend(() => passBy(kill(), "after a note")))
            ),
          acknowledge: (consumer, commit, note) =>
            passBy(kill(), "before acknowledging").pipe(
              Effect.andThen(lease.acknowledge(consumer, commit, note)),
              Effect.andThen(Effect.suspend(() => passBy(kill(), "after acknowledging")))
            )
        }))
    }))
  )

const passBy = (kill: Kill | undefined, at: Kill["at"]): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (kill === undefined || kill.at !== at) return Effect.void
    kill.left--
    return kill.left < 0 ? Effect.die(new Killed()) : Effect.void
  })

const play = Effect.fnUntraced(function* (
  one: Case,
  world: World.World,
  killing: { kill: Kill | undefined }
): Effect.fn.Return<Outcome, unknown, Ledger> {
  const source = random(one.seed + 77)
  const wrong = new Set<string>()
  /** What each consumer holds, and which contents each version ever had. */
  const table = new Map<string, Row>()
  const second = new Map<string, Row>()
  const contents = new Map<string, string>()
  let [changes, repeats, removed, killed, passes, watermark] = [0, 0, 0, 0, 0, -Infinity]
  const from = World.origin
  const horizon = (one.horizon ?? 2) * World.hour
  const batch = one.batch ?? 1
  const visible = (life: World.Life, at: number) => at >= life.visible && at < life.leaves

  const take = (table: Map<string, Row>, change: Sync.Change): void => {
    changes++
    const before = table.get(change.id)
    const life = world.lives.find(({ id }) => id === change.id)
    const content = contentOf(change.session)
    const version = `${change.id} ${change.sequence}`
    const known = contents.get(version)
    if (known !== undefined && known !== content) wrong.add(`${version} has two contents`)
    contents.set(version, content)
    if (before !== undefined && change.sequence < before.sequence) wrong.add(`the sequence of ${change.id} falls`)
    if (before?.sequence === change.sequence) repeats++
    if (before !== undefined && change.sequence > before.sequence && change.previous !== null) {
      if (before.content === content && !before.gone) wrong.add(`${version} changes nothing`)
    }
    if (before !== undefined && !before.gone && change.session !== undefined) {
      const isBack = (text: string) => before.content.includes(text) && !content.includes(text)
      if (["completed", "costTotal", "postCallAnalysisResult"].some(isBack)) wrong.add(`${version} goes back`)
    }
    if (change.kind === "removed") {
      removed++
      if (life === undefined || visible(life, world.now))
        wrong.add(`${change.id} is removed and still listed: ${JSON.stringify(life)} ${world.now}`)
    }
    const gone = change.kind === "removed" || change.kind === "left"
    table.set(change.id, { sequence: change.sequence, content, gone })
  }

  /** A pass until it is killed, if it is. A consumer flushes and acknowledges some changes at once. */
  const pass = (table: Map<string, Row>, consumer: string) =>
    Effect.suspend(() => {
      let waiting: Array<Sync.Delivered> = []
      const flush = Effect.suspend(() => {
        for (const change of waiting) take(table, change)
        const last = waiting.at(-1)
        waiting = []
        return last === undefined ? Effect.void : Effect.andThen(passBy(killing.kill, "flush"), last.acknowledge)
      })
      return Sync.changes({
        name: "calls",
        from: "2026-07-01T00:00:00Z",
        consumer,
        horizon: horizon / 1000,
        ...(one.audits === undefined ? {} : { audits: one.audits.map((hours) => `${hours} hours` as const) }),
        onLook: (look) =>
          Effect.sync(() => {
            if (look.watermark > Math.max(from, world.now - horizon)) wrong.add("the watermark is past the horizon")
            if (look.watermark < watermark) wrong.add("the watermark goes back")
            watermark = look.watermark
          })
      }).pipe(
        Stream.runForEach((change) =>
          Effect.andThen(
            passBy(killing.kill, "deliver"),
            Effect.suspend(() => {
              waiting.push(change)
              return waiting.length < batch ? Effect.void : flush
            })
          )
        ),
        Effect.andThen(Effect.suspend(() => flush)),
        Effect.provide(world.layer)
      )
    })

  /** Whether it was killed. */
  const attempt = (table: Map<string, Row>, consumer: string) =>
    Effect.gen(function* () {
      const at = source.pick(kills)
      const rounds = at.includes("note") ? 8 : at === "deliver" ? 12 : 12 / batch
      killing.kill = source.chance(one.kills) ? { at, left: source.below(rounds) } : undefined
      const exit = yield* Effect.exit(pass(table, consumer))
      passes++
      if (Exit.isSuccess(exit)) return false
      if (!(Cause.squash(exit.cause) instanceof Killed)) return yield* exit
      killed++
      return true
    })

  const stateOf = Effect.scoped(
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const lease = yield* ledger.open("calls", { source: "sync", filters: "" })
      const { state } = yield* lease.kept
      return state === undefined ? undefined : yield* decodeState(state)
    })
  )

  /**
   * What is visible for longer than the horizon and started before the watermark is held, or in a hole: unless as many calls that are
   * held left their places unseen, so that no count shows it. An audit finds those.
   */
  const checkWatermark = Effect.gen(function* () {
    const state = yield* stateOf
    if (state === undefined) return
    const missing: Array<World.Life> = []
    let unseen = 0
    for (const life of world.lives) {
      const start = world.startOf(life)
      const isHeld = table.get(life.id)?.gone === false
      const isThere = visible(life, world.now) && start !== undefined && start >= from && start < state.watermark
      if (isHeld && !isThere) unseen++
      if (!isThere || table.has(life.id)) continue
      const since = Math.max(life.visible, life.startKnown, life.moves <= world.now ? life.moves : 0)
      // Counts are taken by passes that read everything.
      if (since > Math.min(world.now - horizon, state.read?.whole ?? 0)) continue
      const hole = CoverageSet.verdict([state.coverage], { from: Instant.of(start), to: Instant.of(start + 1) })
      if (hole._tag === "Success" && hole.success === "proven") missing.push(life)
    }
    if (missing.length > unseen) wrong.add(`${missing.map(({ id }) => id).join()} is missing behind the watermark`)
  })

  /** By the order of creation, a call without a start comes with the first walk after it appears, if the horizon is not past then. */
  const walked = { before: -Infinity }
  const checkWithoutStart = Effect.fnUntraced(function* (isKilled: boolean) {
    const { byCreation, read } = (yield* stateOf) ?? {}
    if (read === undefined || read.whole === walked.before) return
    const isWalk = !isKilled && byCreation?.works === true && byCreation.at >= read.whole && world.lag === 0
    for (const life of isWalk ? world.lives : []) {
      const appears = life.visible > walked.before && life.visible <= read.whole
      if (!appears || life.visible - life.created > horizon || !visible(life, world.now)) continue
      if (world.startOf(life) === undefined && !table.has(life.id)) wrong.add(`${life.id} without a start is missing`)
    }
    walked.before = read.whole
  })

  while (world.now < from + one.until) {
    const isClose = source.chance(one.closely ?? 0)
    for (let i = 0; i < (isClose ? 5 : 1); i++) {
      const isKilled = (yield* attempt(table, "changes")) === true
      if (!isKilled) yield* checkWatermark
      yield* checkWithoutStart(isKilled)
      if (isClose) world.now += World.minute
    }
    if (one.away !== undefined && !source.chance(one.away)) {
      yield* attempt(second, "second")
      yield* checkWithoutStart(true)
    }
    world.now += Math.floor(one.every * (0.5 + source.next()))
  }

  // Nothing changes any more, no answer is old, and nobody is killed. What is doubted is seen again ten minutes later.
  world.lag = 0
  killing.kill = undefined
  for (const wait of [7 * World.hour, 11 * World.minute, horizon]) {
    yield* pass(table, "changes")
    world.now += wait
  }
  yield* pass(table, "changes")
  const count = changes
  yield* pass(table, "changes")
  if (changes !== count) wrong.add("a second pass makes changes")
  if (one.away !== undefined) {
    yield* pass(second, "second")
    const isThere = ([, { gone }]: readonly [string, Row]) => !gone
    const rowsOf = (rows: Map<string, Row>) =>
      JSON.stringify([...rows].filter(isThere).sort(([a], [b]) => (a < b ? -1 : 1)))
    if (rowsOf(table) !== rowsOf(second)) wrong.add("the second consumer has something else")
  }
  for (const life of world.lives) {
    const record = world.record(life)
    const start = world.startOf(life)
    const row = table.get(life.id)
    const isMeant = record !== undefined && (start ?? life.created) >= from
    if (!isMeant && row !== undefined && !row.gone)
      wrong.add(`${life.id} is held and ${record === undefined ? "not listed" : "not in the range"}`)
    if (isMeant && (row === undefined || row.gone)) wrong.add(`${life.id} is missing: ${JSON.stringify(life)}`)
    if (isMeant && row !== undefined && row.content !== contentOf(record)) {
      wrong.add(`${life.id} is out of date: ${row.content} instead of ${contentOf(record)} ${JSON.stringify(life)}`)
    }
  }
  return { wrong: [...wrong], requests: world.requests, passes, kills: killed, changes, repeats, removed }
})

/** One history, by the clock of its world. */
export const run = (one: Case): Effect.Effect<Outcome, unknown> => {
  const world = World.make(one)
  const killing: { kill: Kill | undefined } = { kill: undefined }
  return play(one, world, killing).pipe(
    Effect.provide(
      Layer.provide(
        killable(() => killing.kill),
        Ledger.layerMemory
      )
    ),
    Effect.provideService(Clock.Clock, world.clock)
  )
}
