/**
 * Short histories of what a sync delivers: sinks of each kind, kills at each of note, deliver, flush and acknowledge, sinks that are
 * down, added later, or lose their last transaction, ledgers that are lost or restored, and another transform.
 */
import type { AgniClient } from "@callstream/core/client/AgniClient"
import type { DeadLetter } from "@callstream/core/pipeline/DeadLetter"
import * as SyncPipeline from "@callstream/core/pipeline/SyncPipeline"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { SinkError } from "@callstream/core/sink/SinkError"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Verdict from "@callstream/core/sync/Verdict"
import * as Transform from "@callstream/core/transform/Transform"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Schema from "effect/Schema"
import { type Random, random } from "../sync/SyncRandom.ts"
import * as World from "./SyncDeliveryWorld.ts"
import * as Faults from "./SyncFaults.ts"
import * as Ledgers from "./SyncLedgers.ts"
import * as Receivers from "./SyncReceivers.ts"

const { hour, minute, origin } = World

/** What a history can show besides kills. */
export interface Case {
  readonly seed: number
  readonly kills: number
  readonly failures: number
  /** Whether the ledger is lost or an older copy restored now and then. */
  readonly losses: "none" | "lost" | "restored"
  readonly sinks: ReadonlyArray<"table" | "log" | "receiver">
  readonly transform: number
  /** Which transforms may follow it. */
  readonly transforms: ReadonlyArray<number>
  readonly passes: number
}

/** `isLong`: more passes than in most, for what takes several of them. */
export const make = (seed: number, isLong = false): Case => {
  const { chance, pick } = random(seed + 5_000_011)
  const losses = pick(["none", "none", "none", "lost", "restored"] as const)
  const all = ["table", "log", "receiver"] as const
  // A receiver has no place of its own: nothing shows that a restored ledger is older than what it has.
  const possible = losses === "restored" ? all.slice(0, 2) : all
  // A new or older ledger does not know which calls passed the filters since.
  const transforms = losses === "none" ? [0, 1, 2, 3] : [0, 2]
  const sinks = possible.filter(() => chance(0.7))
  return {
    seed,
    kills: pick([0, 0.3, 0.6]),
    failures: pick([0, 0.1, 0.4]),
    losses,
    sinks: sinks.length === 0 ? ["table"] : sinks,
    transform: pick(transforms),
    transforms,
    passes: pick(isLong ? [3, 4, 5, 6, 7, 8] : [1, 1, 1, 2, 2, 4])
  }
}

const isCompleted = ({ status }: { readonly status?: unknown }) => status === "completed"
const completed = Transform.where(Transform.sessions, "completed", isCompleted)

/** Calls as they are, those that are completed, a part of each, a part of those. */
const transforms = [
  Transform.sessions,
  completed,
  Transform.select(Transform.sessions, ["id", "status", "metadata.crm", "recordingUrl"]),
  Transform.select(completed, ["id", "metadata.crm"])
]

const rowOf = (transform: number, call: World.Call): object | undefined => {
  if (transform % 2 === 1 && !isCompleted(call)) return undefined
  const record = World.recordOf(call)
  if (transform < 2) return record
  const { id, recordingUrl, status } = record
  return transform === 2 ? { id, status, "metadata.crm": call.crm, recordingUrl } : { id, "metadata.crm": call.crm }
}

const letters = SessionSink.make<DeadLetter>({ name: "letters", delivery: "append", write: () => Effect.void })

const options = {
  name: "calls",
  from: "2026-07-01T00:00:00Z",
  deadLetters: letters,
  horizon: "30 minutes",
  audits: ["3 hours", "6 hours"]
} as const

/** What a ledger knows of the server after a few days: the histories begin there, because probes would take most of their time. */
export const known: Effect.Effect<Schema.Json, unknown> = Effect.suspend(() => {
  const calls = Array.from({ length: 40 }, (_, i) =>
    World.newCall(900 + i, origin - (400 - 10 * i) * minute, i % 4 !== 0)
  )
  const world = World.make(origin - 2 * minute, calls)
  const nobody = SessionSink.make<object>({
    name: "nobody",
    delivery: "append",
    keeps: "changes",
    write: () => Effect.void,
    remove: () => Effect.void
  })
  const pass = SyncPipeline.run({ ...options, transform: Transform.sessions, sinks: [nobody] })
  return Effect.gen(function* () {
    yield* pass
    world.now += minute
    yield* pass
    const ledger = yield* Ledger
    const { state = null } = yield* Effect.scoped(Effect.flatMap(ledger.open("calls", undefined), ({ kept }) => kept))
    return state
  }).pipe(Effect.provide([world.layer, Ledger.layerMemory]), Effect.provideService(Clock.Clock, world.clock))
})

export interface Outcome {
  readonly wrong: ReadonlyArray<string>
  readonly kills: number
  readonly failures: number
  readonly events: number
  readonly losses: number
  /** Calls of which a sink was called complete. */
  readonly claims: number
  readonly requests: number
}

/** Anything that happens to calls between two passes. */
const live = (world: World.World, source: Random) => {
  const { below, chance, pick } = source
  const { calls } = world
  for (let i = below(5); i > 0; i--) {
    const call = pick(calls)
    const what = below(8)
    if (what === 0 && calls.length < 6)
      calls.push(World.newCall(calls.length, world.now - below(20 * minute), chance(0.7)))
    else if (what === 1) call.status = call.status === "completed" ? "in_progress" : "completed"
    else if (what === 2) call.crm = pick(["a", "b"])
    else if (what === 3) call.secret = pick(["x", "y", "z"])
    else if (what === 4) call.cost = pick(["0.1", "0.2"])
    else if (what === 5 && call !== calls[0]) {
      // A server that lists nothing may be down.
      call.isListed = !call.isListed
      call.leftAt = world.now
    } else if (what === 6) call.start = call.created + below(3 * hour) - hour
    else call.status = "completed"
  }
  world.now += pick([20_000_000, minute, 2 * minute, 11 * minute, 11 * minute, 40 * minute, 3 * hour])
}

/** `table`: another one than that in memory. */
export const run = Effect.fnUntraced(function* (
  one: Case,
  state: Schema.Json,
  table: typeof Receivers.table = Receivers.table
): Effect.fn.Return<Outcome, unknown> {
  const source = random(one.seed + 77)
  const { below, chance, pick } = source
  const judge: Receivers.Judge = { wrong: new Set(), contents: new Map() }
  const { wrong } = judge
  const world = World.make(origin, [World.newCall(0, origin - 20 * minute, true)])
  const faults = Faults.make(one, source)
  const ledgers = Ledgers.make(faults, state)
  const receivers = one.sinks.map((name) => (name === "table" ? table : Receivers[name])(faults.at, judge))
  const joins = receivers.map((_, i) => (i === 0 || chance(0.7) ? 0 : below(one.passes)))
  let [transform, kills, losses, claims, isLost] = [one.transform, 0, 0, 0, false]
  let copy: (Ledgers.Copy & { readonly transform: number }) | undefined
  yield* ledgers.load({})
  let isFirst = true

  const pass = (number: number, times: number) =>
    Effect.suspend(() => {
      const [first, ...rest] = receivers.filter((_, i) => (joins[i] ?? 0) <= number).map(({ sink }) => sink)
      if (first === undefined) return Effect.void
      let left = times
      const restart = isFirst || (number < one.passes && chance(0.04))
      if (!isFirst && restart) transform = pick(one.transforms)
      // One from before that is of another ledger: nothing shows that it is older.
      if (restart) copy = undefined
      isFirst = false
      return SyncPipeline.run({
        ...options,
        transform: transforms[transform] ?? completed,
        sinks: [first, ...rest],
        restart,
        commitEvery: chance(0.5) ? 0 : "1 hour",
        ...(times > 1 ? { every: "1 minute" as const } : {}),
        onPass: ({ sinks }) =>
          Effect.suspend(() => {
            if (sinks.every(({ failure }) => failure === undefined)) isLost = false
            if (times === 1) return Effect.void
            if (--left === 0) return Effect.interrupt
            live(world, source)
            return Effect.void
          })
      })
    })

  const provided = <A, E>(effect: Effect.Effect<A, E, Ledger | AgniClient>) =>
    effect.pipe(Effect.provide([world.layer, ledgers.layer]), Effect.provideService(Clock.Clock, world.clock))

  /** What is called complete for a sink is in it, or was never for it. */
  const checkVerdict = Effect.gen(function* () {
    const { entries } = yield* ledgers.copy
    const verdict = yield* provided(
      Effect.scoped(
        Effect.gen(function* () {
          const view = yield* (yield* Ledger).view("calls")
          return view === undefined ? undefined : yield* Verdict.of(view)
        })
      )
    )
    for (const { name, shown } of receivers) {
      const complete = verdict?.consumers[name]?.watermark ?? 0
      for (const { created, firstSeen, gone, id, shown: may, start } of entries) {
        const isComplete = gone === undefined && (start ?? created ?? firstSeen) < complete
        // A call that left and is back is not in it as one that left.
        const { row = null } = shown().get(id) ?? {}
        if (isComplete && may === "shown" && row === null) wrong.add(`${name} is called complete without ${id}`)
        if (isComplete) claims++
      }
    }
  })

  for (let i = 0; i < one.passes; i++) {
    live(world, source)
    world.isFrozen = one.losses === "none" && chance(0.1)
    faults.draw()
    const exit = yield* Effect.exit(provided(pass(i, pick([1, 1, 1, 3]))))
    if (Exit.isFailure(exit) && !Cause.hasInterrupts(exit.cause)) {
      const error = Cause.squash(exit.cause)
      if (error instanceof Faults.Killed) kills++
      else if (!(error instanceof SinkError)) wrong.add(`failed: ${Cause.pretty(exit.cause)}`)
      for (const { crash } of receivers) {
        const loses = error instanceof Faults.Killed && chance(0.3)
        isLost = isLost || loses
        crash(loses)
      }
    }
    faults.heal()
    // That a table lost its last transaction is seen when it is opened.
    if (!isLost) yield* checkVerdict
    if (one.losses !== "none" && chance(0.2)) {
      if (one.losses === "lost" || copy !== undefined) {
        losses++
        isFirst = one.losses === "lost" ? true : isFirst
        transform = one.losses === "lost" ? transform : (copy?.transform ?? transform)
        yield* ledgers.load(one.losses === "lost" ? {} : (copy ?? {}))
      }
    }
    if (chance(0.3)) copy = { ...(yield* ledgers.copy), transform }
  }

  // Nothing changes any more and everybody is there: passes make no change once nothing is doubted.
  world.isFrozen = false
  let { entries } = yield* ledgers.copy
  let changed = true
  const settle = Effect.gen(function* () {
    for (const wait of [9 * hour, ...Array.from({ length: 4 }, () => 11 * minute)]) {
      const before = judge.contents.size
      world.now += wait
      yield* provided(pass(one.passes, 1))
      ;({ entries } = yield* ledgers.copy)
      changed = judge.contents.size > before
      if (!changed && entries.every(({ doubted }) => doubted === undefined)) break
    }
  })
  const different = (): ReadonlyArray<string> => {
    const ids = new Set(entries.map(({ id }) => id))
    const entryOf = (wanted: string) => entries.find(({ id }) => id === wanted)
    const found: Array<string> = []
    for (const call of world.calls) {
      if (call.isListed && !ids.has(call.id)) found.push(`${call.id} is not known`)
      if (!ids.has(call.id)) continue
      // One without a start time that leaves after the last audit is not noticed.
      const isAudited = (call.leftAt ?? 0) - call.created < 6 * hour || entryOf(call.id)?.start !== undefined
      if (!call.isListed && !isAudited) continue
      const row = call.isListed ? (rowOf(transform, call) ?? null) : null
      for (const { name, shown } of receivers) {
        const held = shown().get(call.id)?.row ?? null
        if (Receivers.plain(held) !== Receivers.plain(row)) {
          found.push(`${name}: ${call.id} is ${Receivers.plain(held)} instead of ${Receivers.plain(row)}`)
        }
      }
    }
    return found
  }
  yield* settle
  // A call that left, and one whose start time became known since, make up for each other in one count. The next one shows it.
  if (different().length > 0) yield* settle
  if (changed) wrong.add("a last pass makes changes")
  for (const one of different()) wrong.add(one)
  return {
    wrong: [...wrong],
    kills,
    failures: faults.failures,
    events: judge.contents.size,
    losses,
    claims,
    requests: world.requests
  }
})
