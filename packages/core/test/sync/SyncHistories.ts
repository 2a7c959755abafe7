/** Histories of a sync: passes over a living world, with kills at every step, held against what is true. */
import type { CallSession } from "@callstream/core/model/CallSession"
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import * as Instant from "@callstream/core/model/Instant"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Sync from "@callstream/core/sync/Sync"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
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

const play = Effect.fnUntraced(function* (one: Case, world: World.World): Effect.fn.Return<Outcome, unknown, Ledger> {
  const source = random(one.seed + 77)
  const wrong = new Set<string>()
  /** What the consumer holds, and which contents each version ever had. */
  const table = new Map<string, Row>()
  const contents = new Map<string, string>()
  let [changes, repeats, removed, kills, passes, watermark] = [0, 0, 0, 0, 0, -Infinity]
  const from = World.origin
  const visible = (life: World.Life, at: number) => at >= life.visible && at < life.leaves

  const take = (change: Sync.Change): void => {
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
    if (change.kind === "removed") {
      removed++
      if (life === undefined || visible(life, world.now))
        wrong.add(`${change.id} is removed and still listed: ${JSON.stringify(life)} ${world.now}`)
    }
    const gone = change.kind === "removed" || change.kind === "left"
    table.set(change.id, { sequence: change.sequence, content, gone })
  }

  /** The part of a pass until it is killed, if it is. */
  const pass = (steps: number, isAcknowledged: boolean) =>
    Sync.changes({
      name: "calls",
      from: "2026-07-01T00:00:00Z",
      onLook: (look) =>
        Effect.sync(() => {
          if (look.watermark > Math.max(from, world.now - 2 * World.hour))
            wrong.add("the watermark is past the horizon")
          if (look.watermark < watermark) wrong.add("the watermark goes back")
          watermark = look.watermark
        })
    }).pipe(
      Stream.take(steps),
      Stream.mapEffect((change) =>
        Effect.suspend(() => {
          take(change)
          return isAcknowledged ? change.acknowledge : Effect.void
        })
      ),
      Stream.runDrain,
      Effect.provide(world.layer)
    )

  const stateOf = Effect.scoped(
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const lease = yield* ledger.open("calls", { source: "sync", filters: "" })
      const { state } = yield* lease.kept
      return state === undefined ? undefined : yield* decodeState(state)
    })
  )

  /** What is visible for longer than the horizon and started before the watermark is held, or in a hole. */
  const checkWatermark = Effect.gen(function* () {
    const state = yield* stateOf
    if (state === undefined) return
    for (const life of world.lives) {
      const start = world.startOf(life)
      if (start === undefined || start < from || start >= state.watermark || !visible(life, world.now)) continue
      const since = Math.max(life.visible, life.startKnown, life.moves <= world.now ? life.moves : 0)
      if (since > world.now - 2 * World.hour || table.has(life.id)) continue
      const hole = CoverageSet.verdict([state.coverage], { from: Instant.of(start), to: Instant.of(start + 1) })
      if (hole._tag === "Success" && hole.success === "proven") wrong.add(`${life.id} is missing behind the watermark`)
    }
  })

  while (world.now < from + one.until) {
    const isKilled = source.chance(one.kills)
    yield* pass(isKilled ? source.below(60) : Infinity, !isKilled || source.chance(0.5))
    passes++
    if (isKilled) kills++
    else yield* checkWatermark
    world.now += Math.floor(one.every * (0.5 + source.next()))
  }

  // Nothing changes any more, and no answer is old.
  world.lag = 0
  yield* pass(Infinity, true)
  const count = changes
  yield* pass(Infinity, true)
  if (changes !== count) wrong.add("a second pass makes changes")
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
  return { wrong: [...wrong], requests: world.requests, passes, kills, changes, repeats, removed }
})

/** One history, by the clock of its world. */
export const run = (one: Case): Effect.Effect<Outcome, unknown> => {
  const world = World.make(one)
  return play(one, world).pipe(Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))
}
