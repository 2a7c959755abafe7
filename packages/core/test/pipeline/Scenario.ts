/** A history, sinks and what becomes of each record, drawn from a seed; and the runs until all is delivered. */
import * as Position from "@callstream/core/model/Position"
import type { Committed } from "@callstream/core/model/Committed"
import { Checkpoint, State } from "@callstream/core/checkpoint/Checkpoint"
import { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
import { AgniError, Unavailable } from "@callstream/core/model/AgniError"
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import type { DeadLetter } from "@callstream/core/pipeline/DeadLetter"
import * as Guarantee from "@callstream/core/pipeline/Guarantee"
import * as Pipeline from "@callstream/core/pipeline/Pipeline"
import * as Rows from "@callstream/core/model/Rows"
import * as Version from "@callstream/core/model/Version"
import type { Delivery } from "@callstream/core/sink/SessionSink"
import type { Window } from "@callstream/core/history/Coverage"
import * as Transform from "@callstream/core/transform/Transform"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { isSuccess } from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Source from "@callstream/core/source/Source"
import * as Parts from "./Parts.ts"
import * as Outside from "./Outside.ts"
import * as Store from "./Store.ts"

const begin = Instant.parse("2026-07-01T00:00:00Z") ?? Instant.of(0)

/** What the source holds, and what is to become of it. */
interface Record {
  readonly id: string
  /** `undefined` for one without a start. */
  readonly start: number | undefined
  readonly fate: "passes" | "filtered" | "throws" | "undecodable"
  readonly refusedBy: ReadonlyArray<string>
}

export interface Result {
  readonly wrong: ReadonlyArray<string>
  readonly processes: number
  readonly told: string
}

const deliveries: ReadonlyArray<Delivery> = ["transactional", "idempotent", "resumable", "append"]

const decodeState = Schema.decodeUnknownSync(Schema.fromJsonString(State))

export const run = Effect.fnUntraced(function* (seed: number): Effect.fn.Return<Result> {
  const chance = Outside.chanceOf(seed)
  const below = (count: number) => Math.floor(chance() * count)
  const pick = <A>(...of: readonly [A, ...ReadonlyArray<A>]): A => of[below(of.length)] ?? of[0]
  const wrong: Array<string> = []

  // The history.
  const length = pick(10, 100, 1000)
  const range = { from: begin, to: begin + length }
  const whole = chance() < 0.7
  const names = Array.from({ length: 1 + below(3) }, (_, at) => `sink-${at}`)
  const size = pick(0, 1, 5, 30, 60)
  const shares = pick([0.9, 0.05, 0.03, 0.02], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0.3, 0.3, 0.2, 0.2])
  const fateOf = (draw: number): Record["fate"] =>
    draw < (shares[0] ?? 0)
      ? "passes"
      : draw < (shares[0] ?? 0) + (shares[1] ?? 0)
        ? "filtered"
        : draw < (shares[0] ?? 0) + (shares[1] ?? 0) + (shares[2] ?? 0)
          ? "throws"
          : "undecodable"
  const refusing = pick(0, 0, 0.2)
  const records = Array.from({ length: size }, (_, at): Record => {
    const undated = whole && chance() < 0.1
    return {
      id: `record-${String(at).padStart(3, "0")}`,
      // Few instants, so that many records share one.
      start: undated ? undefined : begin + below(Math.min(length, 20)) * Math.floor(length / Math.min(length, 20)),
      fate: fateOf(chance()),
      refusedBy: names.filter(() => chance() < refusing)
    }
  }).sort((left, right) => (left.start ?? Infinity) - (right.start ?? Infinity) || (left.id < right.id ? -1 : 1))
  const byId = new Map(records.map((one) => [one.id, one]))
  /** Whether records that do not decode have the same version in all runs; what did decode has a new one each time. */
  const steady = chance() < 0.5

  // Where it goes.
  const onSinkFailure = pick("stop", "continue")
  const stores = names.map((name) => {
    const delivery = pick(...(deliveries as readonly [Delivery, ...ReadonlyArray<Delivery>]))
    const store: Store.Store<CallSession> = Store.make<CallSession>({
      name,
      delivery,
      refuses: (id) => byId.get(id)?.refusedBy.includes(name) === true,
      onFlush: (committed) => delivery === "transactional" && claims(store, committed)
    })
    return store
  })
  const letters = Store.make<DeadLetter>({
    name: "letters",
    delivery: pick("append", "append", "resumable", "transactional", "idempotent"),
    refuses: () => false
  })
  const expectedIn = (sink: string) =>
    records.filter(({ fate, refusedBy }) => fate === "passes" && !refusedBy.includes(sink))
  const isBefore = ({ start }: Record, cursor: Position.Cursor | undefined) =>
    cursor === "end" || (start !== undefined && cursor !== undefined && start < cursor)
  const countsOf = (held: ReadonlyArray<{ readonly id: string }>) => {
    const counts = new Map<string, number>()
    for (const { id } of held) counts.set(id, (counts.get(id) ?? 0) + 1)
    return counts
  }
  const lettersOf = (held: ReadonlyArray<Store.Held<DeadLetter>>) =>
    countsOf(
      held.map(({ row }) => {
        const raw = row.record ?? row.row
        const id = typeof raw === "object" && raw !== null && "id" in raw ? String(raw.id) : "?"
        return { id: `${id} ${row.sink ?? row.stage}` }
      })
    )

  /** A sink that says it has everything before a cursor has it, for good. */
  const claims = (store: Store.Store<CallSession>, committed: Committed) => {
    const counts = countsOf(store.durable(committed))
    const exact = store.delivery === "transactional" || store.delivery === "resumable"
    for (const one of expectedIn(store.name)) {
      const count = counts.get(one.id) ?? 0
      if (isBefore(one, committed.at) ? count === 0 : exact && count > 0) {
        wrong.push(
          `${store.name} (${store.delivery}) claims ${committed.at}: ${one.id} of ${(one.start ?? NaN) - begin} is there ${count} times`
        )
      }
    }
  }

  // The checkpoint.
  let saved: string | undefined
  let held = false
  const checkpoint = (outside: Outside.Outside, trouble: Store.Trouble): Checkpoint["Service"] => ({
    open: () =>
      Effect.acquireRelease(
        Effect.sync(() => {
          if (held) wrong.push("two runs hold the checkpoint")
          held = true
          return {
            epoch: 1,
            state: saved === undefined ? Option.none<State>() : Option.some(decodeState(saved)),
            commit: (state: State) =>
              trouble("checkpoint", "save") === "lasting"
                ? Effect.fail(
                    new CheckpointError({ reason: { _tag: "File", path: "state", action: "written", code: "ENOSPC" } })
                  )
                : outside.step("save", () => {
                    check(state)
                    saved = JSON.stringify(state)
                  })
          }
        }),
        () =>
          Effect.sync(() => {
            held = false
          })
      )
  })
  const check = (state: State) => {
    const before = saved === undefined ? undefined : decodeState(saved)
    for (const [name, { at }] of Object.entries(before?.sinks ?? {})) {
      // A table is given again what is read again: the state says how far it has that.
      const isTable = [...stores, letters].some((one) => one.name === name && one.delivery === "transactional")
      if (!isTable && Position.isBefore(state.sinks[name]?.at, at)) wrong.push(`${name} went back`)
    }
    const cursors: Array<Position.Cursor | undefined> = []
    const put = letters.delivery === "transactional" ? letters.account() : state.sinks[letters.name]
    const aside = lettersOf(put === undefined && letters.delivery === "resumable" ? [] : letters.durable(put))
    for (const store of stores) {
      const committed = state.sinks[store.name]
      cursors.push(committed?.at)
      if (committed === undefined) continue
      if (state.finished && committed.at !== "end") wrong.push("finished too early")
      // Its own account may be ahead of the checkpoint, never behind.
      claims(store, store.delivery === "transactional" ? (store.account() ?? committed) : committed)
      for (const one of records) {
        if (one.fate !== "passes" || !one.refusedBy.includes(store.name) || !isBefore(one, committed.at)) continue
        if (!aside.has(`${one.id} ${store.name}`)) wrong.push(`the letter of ${one.id} for ${store.name} is not safe`)
      }
    }
    const least = Position.least(cursors)
    // What is known of the range has no hole before the sink that is furthest behind.
    if (least !== undefined) {
      const to = least === "end" ? range.to : least
      const known = CoverageSet.verdict([state.coverage ?? CoverageSet.empty], {
        from: Instant.of(range.from),
        to: Instant.of(to)
      })
      if (!isSuccess(known) || known.success !== "proven") wrong.push(`the coverage has a hole before ${to - begin}`)
    }
    for (const one of records) {
      if ((one.fate === "throws" || one.fate === "undecodable") && isBefore(one, least)) {
        if (!aside.has(`${one.id} ${one.fate}`)) wrong.push(`the letter of ${one.id} is not safe`)
      }
    }
  }

  // The source.
  let process = 0
  const windowOf = (from: number, to: number, of: ReadonlyArray<Record>): Window => ({
    from: Instant.of(from),
    to: Instant.of(to),
    rows: Rows.ofSessions(
      of.filter(({ fate }) => fate !== "undecodable").map((record) => toSession(record)),
      Instant.of(observed())
    ),
    rejected: of
      .filter(({ fate }) => fate === "undecodable")
      .map(({ id }) => ({
        stage: "undecodable",
        reason: "no shape",
        raw: { id },
        page: 1,
        index: 0,
        observedAt: Version.of(observed())
      })),
    coverage: { _tag: "Proven" },
    settled: 0,
    requests: 1,
    observedAt: Instant.of(observed())
  })
  const observed = () => range.to + (steady ? 0 : process)
  const byPages = chance() < 0.3
  /** A source that does not know of cuts. */
  const blunt = chance() < 0.2
  const source =
    (outside: Outside.Outside, ends: () => "fails" | "dies" | undefined) =>
    ({ cuts, from: resumed }: Source.Place): Stream.Stream<Source.Unit, AgniError> => {
      const from = resumed ?? range.from
      if (from > range.to) wrong.push("asked for what comes after the end")
      const windows: Array<Window> = []
      if (byPages && chance() < 0.7) {
        const order = records
          .filter(({ start }) => start === undefined || start >= from)
          .map((one) => [chance(), one] as const)
          .sort(([left], [right]) => left - right)
          .map(([, one]) => one)
        const page = 1 + below(10)
        for (let at = 0; at < order.length; at += page) {
          const of = order.slice(at, at + page)
          windows.push(windowOf(from, from, of))
        }
        windows.push(windowOf(from, range.to, []))
      } else {
        const widest = Math.ceil(length / pick(1, 3, 10))
        for (let at: number = from; at < range.to;) {
          const cut = Math.min(range.to, ...(blunt ? [] : cuts.filter((one) => one > at)))
          const to = Math.min(cut, at + 1 + below(widest))
          windows.push(
            windowOf(
              at,
              to,
              records.filter(({ start }) => start !== undefined && start >= at && start < to)
            )
          )
          at = to
        }
        if (whole)
          windows.push(
            windowOf(
              range.to,
              range.to,
              records.filter(({ start }) => start === undefined)
            )
          )
      }
      return Stream.fromIterable(windows).pipe(
        Stream.mapEffect((window) => {
          const end = ends()
          if (end === "dies") return Effect.die("a bug in the source")
          if (end === "fails") return Effect.fail(broken)
          return outside.step("pull", () => Parts.unitOf(window))
        })
      )
    }
  const transform = Transform.make<CallSession, CallSession>({
    label: "throws",
    columns: (columns) => columns,
    apply: (session) => {
      const fate = byId.get(session.id)?.fate
      if (fate === "throws") throw new RangeError(session.id)
      return fate === "filtered" ? undefined : session
    }
  })

  const one = Effect.fnUntraced(function* (faulty: boolean) {
    process++
    const often = pick(0, 0.02, 0.1)
    const trouble: Store.Trouble = () =>
      !faulty || chance() >= often ? undefined : chance() < 0.8 ? "passing" : "lasting"
    const fate: Outside.Fate | undefined =
      !faulty || chance() < 0.2
        ? undefined
        : {
            how: chance() < 0.7 ? "killed" : "interrupted",
            after: chance() < 0.5,
            ...pick(
              { at: undefined, nth: 1 + below(60) },
              { at: pick<Outside.Step>("pull", "write", "flush", "save"), nth: 1 + below(8) },
              { at: pick<Outside.Step>("finish", "save", "flush"), nth: 1 + below(4) }
            )
          }
    const outside = Outside.make(chance, fate)
    const breaks = faulty && chance() < 0.2 ? below(20) : -1
    let pulls = 0
    const pipeline = Pipeline.make({
      name: "model",
      source: Source.make({
        fingerprint: {},
        units: source(outside, () => (pulls++ === breaks ? pick("fails", "dies") : undefined))
      }),
      transform,
      sinks: mapFirst(stores, (store) => store.sink(outside, trouble, chance)),
      deadLetters: letters.sink(outside, trouble, chance),
      commitEvery: pick<Duration.Input>(0, "200 millis", "1 second"),
      onSinkFailure,
      maxDeadShare: 1
    })
    const fiber = yield* outside.run(Effect.provideService(pipeline.run(), Checkpoint, checkpoint(outside, trouble)))
    const exit = yield* Fiber.await(fiber)
    held = false
    for (const store of [...stores, letters]) store.abandon(chance)
    if (Exit.isFailure(exit) && exit.cause.reasons.some(({ _tag }) => _tag === "Die") && !outside.ended()) {
      if (!String(exit.cause).includes("a bug in the source")) wrong.push(`died: ${String(exit.cause)}`)
    }
    return exit
  })

  const told = `seed ${seed}: ${size} records, ${onSinkFailure}, ${stores.map(({ delivery }) => delivery).join("+")}, letters ${letters.delivery}${byPages ? ", by pages" : ""}`
  const faultyRuns = below(7)
  const isFinished = () => saved !== undefined && decodeState(saved).finished
  for (let at = 0; at < faultyRuns && !isFinished() && wrong.length === 0; at++) yield* one(true)
  if (!isFinished()) {
    const exit = yield* one(false)
    if (Exit.isFailure(exit)) wrong.push(`a run without trouble failed: ${String(exit.cause).slice(0, 600)}`)
    else if (exit.value.sinks.some(({ failure }) => failure !== undefined))
      wrong.push("a sink was closed without trouble")
  }
  if (wrong.length === 0 && !isFinished()) wrong.push("not finished")
  const again = yield* one(false)
  if (wrong.length === 0 && !(Exit.isSuccess(again) && again.value.finishedBefore)) wrong.push("went on after the end")

  // What is there in the end.
  for (const store of stores) {
    wrong.push(...store.wrong)
    if (!store.finished()) wrong.push(`${store.name} was not finished`)
    const { arrives, repeats } = Guarantee.of(store.name, store.delivery, { durable: true })
    const counts = countsOf(store.durable())
    const expected = new Set(expectedIn(store.name).map(({ id }) => id))
    for (const id of expected) {
      const count = counts.get(id) ?? 0
      if (count === 0 || (arrives === "exactly once" && count > 1))
        wrong.push(`${store.name} (${store.delivery}): ${id} ${count} times`)
    }
    for (const id of counts.keys()) if (!expected.has(id)) wrong.push(`${store.name} has ${id}`)
    if (repeats === "none" && counts.size !== store.durable().length) wrong.push(`${store.name} has repeats`)
  }
  wrong.push(...letters.wrong)
  if (!letters.finished()) wrong.push("the letters were not finished")
  const found = lettersOf(letters.durable())
  const due = new Set(
    records.flatMap(({ fate, id, refusedBy }) =>
      fate === "passes" ? refusedBy.map((sink) => `${id} ${sink}`) : fate === "filtered" ? [] : [`${id} ${fate}`]
    )
  )
  for (const letter of due) if (!found.has(letter)) wrong.push(`no letter for ${letter}`)
  for (const letter of found.keys()) if (!due.has(letter)) wrong.push(`a letter for ${letter}`)
  const keys = new Map<string, string>()
  const undecodable = new Set<string>()
  for (const { row } of letters.durable()) {
    const { letter, ...rest } = row
    const text = JSON.stringify([rest.id ?? null, rest.record ?? rest.row, rest.sink, rest.stage, rest.observedAt])
    if ((keys.get(text) ?? letter) !== letter) wrong.push("two names for one letter")
    keys.set(text, letter)
    if (rest.stage === "undecodable") undecodable.add(letter)
  }
  if (new Set(keys.values()).size !== keys.size) wrong.push("one name for two letters")
  const dueUndecodable = records.filter(({ fate }) => fate === "undecodable").length
  if (steady && undecodable.size !== dueUndecodable) wrong.push("a repeated letter is another one")
  return { wrong, processes: process, told }
})

const toSession = ({ id, start }: Record): CallSession => ({
  id,
  startedAt: start === undefined ? null : Instant.format(Instant.of(start))
})

const mapFirst = <A, B>(of: ReadonlyArray<A>, f: (one: A) => B): readonly [B, ...ReadonlyArray<B>] => {
  const [first, ...rest] = of.map(f)
  if (first === undefined) throw new Error("no sinks")
  return [first, ...rest]
}

const broken = new AgniError({
  reason: new Unavailable({ outage: { _tag: "Unreachable" } }),
  request: "GET /",
  attempts: 1,
  elapsed: Duration.zero
})
