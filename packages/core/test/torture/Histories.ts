/** Histories by seed, as adverse as a server can make them, and what a run over one of them must hold. */
import * as CoverageReason from "@callstream/core/coverage/CoverageReason"
import { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, InvalidRequest, Unavailable } from "@callstream/core/model/AgniError"
import { startInstant } from "@callstream/core/model/CallSession"
import * as CallSessionQuery from "@callstream/core/model/CallSessionQuery"
import * as Instant from "../../src/model/Instant.ts"
import { make as makeWindow, type Verdict, verdict, weaker, type Window } from "@callstream/core/history/Coverage"
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import type { StretchProof } from "@callstream/core/coverage/StretchProof"
import * as Rows from "@callstream/core/model/Rows"
import type { Page } from "@callstream/core/model/Page"
import * as History from "@callstream/core/history/History"
import { AgniSimulator, Fault } from "@callstream/core/testing"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as HttpClient from "effect/http/HttpClient"
import type * as Schema from "effect/Schema"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Envelope from "../../src/client/internal/Envelope.ts"
import * as ReadingParts from "../../src/history/internal/ReadingParts.ts"

/** The simulator of a case, with its beginning as plain microseconds. */
export interface Simulator extends Omit<AgniSimulator.Options, "startAt"> {
  readonly startAt?: number | undefined
}

const optionsOf = ({ startAt, ...rest }: Simulator): AgniSimulator.Options =>
  startAt === undefined ? rest : { ...rest, startAt: Instant.of(startAt) }

/** How a case is read: instants as plain microseconds, so that a case is JSON. */
export interface Read extends Omit<History.Options, "cuts" | "end" | "resume"> {
  readonly cuts?: ReadonlyArray<number> | undefined
  readonly resume?: number | undefined
  readonly end?: undefined
  /** So many stretches at the same time, of about so many calls. */
  readonly sideBySide?: { readonly readers: number; readonly size: number } | undefined
  /** Each stretch is read by itself, in an order that this draws, and some by two readings. */
  readonly apart?: number | undefined
}

export const windows = ({ range, read }: Pick<Case, "range" | "read">) => {
  const cuts = read.cuts?.map((cut) => Instant.of(cut))
  return read.sideBySide === undefined
    ? History.windows(rangeOf(range), {
        ...read,
        cuts,
        resume: read.resume === undefined ? undefined : Instant.of(read.resume)
      })
    : read.apart === undefined
      ? inStretches(range, read, read.sideBySide)
      : inParts(range, read, read.sideBySide, random(read.apart))
}

/** All windows of all stretches, in the order of their starts, and then those of the ending. */
const inStretches = (
  range: Case["range"],
  { cuts = [], sideBySide: _, ...options }: Read,
  { readers, size }: NonNullable<Read["sideBySide"]>
) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const beside = yield* History.sideBySide(rangeOf(range), { ...options, sideBySide: readers, stretchSize: size })
      const all = yield* Effect.forEach(
        beside.stretches,
        (_, nth) => Stream.runCollect(beside.windows(nth, { cuts: cuts.map((cut) => Instant.of(cut)) })),
        { concurrency: readers }
      )
      return Stream.concat(Stream.fromIterable(all.flat()), beside.closing)
    })
  )

/** As another process has it. */
const passed = <A>(value: A): A => JSON.parse(JSON.stringify(value))

const entryOf = ({ coverage, from, observedAt, requests, rows, settled, to }: Window): CoverageSet.Entry => ({
  range: { from, to },
  verdict: verdict(coverage),
  ...(coverage._tag === "Proven" ? {} : { reason: coverage.reason }),
  count: rows.length,
  final: settled,
  requests,
  asOf: observedAt
})

const withEvidence = <A, E, R, B, E2>(windows: Stream.Stream<A, E, R>, evidence: Effect.Effect<B, E2>) =>
  Stream.mapEffect(windows, (window) => Effect.map(evidence, (evidence) => [window, evidence] as const))

/** The same, each stretch by a reading of its own, which knows of the others what the cut and the proofs say. */
const inParts = (
  range: Case["range"],
  { apart: _a, cuts = [], end: _e, resume: _r, sideBySide: _, ...options }: Read,
  { readers, size }: NonNullable<Read["sideBySide"]>,
  { chance, next }: ReturnType<typeof random>
) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const asked = rangeOf(range)
      // A range without an end has the same in each process.
      const end = asked.to === undefined ? History.openEnd(Instant.of(startAt), Instant.of(startAt)) : undefined
      const settings = { ...options, end, stretchSize: size }
      const cut = passed(yield* ReadingParts.cut(asked, settings, readers))
      const all = new Map<number, ReadonlyArray<Window>>()
      const proofs: Array<StretchProof> = []
      const order = cut.stretches.map((_, nth) => nth).sort(() => next() - 0.5)
      for (const nth of order) {
        const one = cut.stretches[nth]
        if (one === undefined) continue
        const read = (from: Instant.Instant | undefined, evidence: Schema.Json | undefined) =>
          ReadingParts.stretch(asked, settings, cut, nth, { from, evidence, cuts: cuts.map((cut) => Instant.of(cut)) })
        // One of two processes is killed after its first window.
        const before = chance(0.2)
          ? yield* Effect.flatMap(read(undefined, undefined), ({ evidence, windows }) =>
              Stream.runCollect(Stream.take(withEvidence(windows, evidence), 1))
            )
          : []
        const [at, known] = before[0] === undefined ? [undefined, undefined] : [before[0][0].to, passed(before[0][1])]
        const rest = yield* read(at, known)
        const windows = [...before.map(([window]) => window), ...(yield* Stream.runCollect(rest.windows))]
        all.set(nth, windows)
        const entries = windows.map(entryOf).filter(({ range: { from, to } }) => from < to)
        const coverage = entries.reduce(CoverageSet.replace, CoverageSet.empty)
        proofs.push(passed({ range: one, coverage, evidence: yield* rest.evidence }))
      }
      // What comes twice is the same row of a table.
      const ids = new Set<string>()
      const once = (window: Window) =>
        makeWindow(
          Rows.items(window.rows).filter(({ id }) => !ids.has(id) && ids.add(id)),
          window
        )
      return Stream.map(
        Stream.concat(
          Stream.fromIterable(cut.stretches.flatMap((_, nth) => all.get(nth) ?? [])),
          ReadingParts.ending(asked, settings, cut, proofs)
        ),
        once
      )
    })
  )

export const rangeOf = ({ from, to }: Case["range"]): History.OpenRange => ({
  from: from === undefined ? undefined : Instant.of(from),
  to: to === undefined ? undefined : Instant.of(to)
})

/** A history, how it is read, and how fast its time goes by. */
export interface Case {
  readonly simulator: Simulator
  /** Microseconds, so that a case is JSON. */
  readonly range: { readonly from?: number | undefined; readonly to?: number | undefined }
  readonly read: Read
  /** Server time that each request takes, in milliseconds. */
  readonly step: number
  /** Whether the requests go through the real client with its retries, or past it, which is faster. */
  readonly client: boolean
}

/** Chance that follows from a seed. */
export const random = (seed: number) => {
  let state = Math.imul(seed, 2_654_435_761) >>> 0 || 1
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    pick: <A>(...values: readonly [A, ...ReadonlyArray<A>]): A =>
      values[Math.floor(next() * values.length)] ?? values[0],
    chance: (share: number) => next() < share
  }
}

export const startAt = Instant.of(Date.UTC(2026, 5, 1) * 1000)
const hour = 3_600_000_000

/** The case of a seed: mild ones are odd, but a good walk should prove most of what they hold. */
export const make = (seed: number): Case => {
  const { chance, next, pick } = random(seed)
  const mild = chance(0.3)
  const sessions = Math.floor(next() ** 3 * 90)
  const ranged = chance(0.5)
  const faulty = !mild && chance(0.03)
  const weird = !mild && chance(0.12)
  const poison = !mild && chance(0.06)
  const arrivalsPerHour = mild ? 0 : pick(0, 0, 0, 100, 2000)
  const simulator: Simulator = {
    seed,
    startAt,
    sessions,
    content: "minimal",
    maxPageSize: pick(2, 3, 7, 7, 20, 50),
    span: pick("2 hours", "3 days", "3 days", "30 days"),
    age: pick("3 hours", "3 hours", "3 hours", "1 minute"),
    granularity: pick("micro", "milli", "second"),
    undated: pick(0, 0, 0.02, 0.2),
    undatedAs: pick("null", "absent", "empty", "zero", "mixed"),
    undatedOrder: pick("postgres", "first", "last"),
    queued: pick(0.02, 0.3),
    ties: pick(undefined, { share: 0.5, ways: 40 }, { share: 0.2, ways: 3 }) ?? { share: 0, ways: 2 },
    edition: pick("camel", "snake"),
    emptyList: pick("array", "null", "absent"),
    metaTotal: pick("number", "string", "absent"),
    order: pick(
      "start-desc",
      "start-desc",
      "start-asc",
      "created-desc",
      "created-asc",
      "id-desc",
      "id-asc",
      "insertion"
    ),
    sorting: pick("honoured", "ignored"),
    sortFields: pick(["startedAt"], ["started_at", "startedAt", "created_at"], []),
    unknownSort: pick("ignore", "reject"),
    offsetFrom: pick("asked", "clamped"),
    beyondLast: pick("empty", "empty", "last", "first"),
    tieOrder: mild ? "id" : pick("id", "query", "random"),
    clockOffset: pick<Duration.Input>(0, 0, "3 hours"),
    // Past the simulated clock there is only the real one, which is months off.
    date: mild || faulty ? "clock" : pick("clock", "clock", "clock", "frozen", "absent"),
    visible: mild ? "created" : pick("created", "started", "ended"),
    visibleLag: mild ? 0 : pick<Duration.Input>(0, 0, "5 minutes"),
    arrivalsPerHour,
    departuresPerHour: mild ? 0 : pick(0, 0, 0, 1, 10, 60),
    duplicated: mild ? 0 : pick(0, 0, 0, 0.05),
    bounds: {
      after: pick("inclusive", "exclusive"),
      before: pick("inclusive", "exclusive"),
      truncate: pick("none", "second"),
      undated: pick("none", "none", "none", "before"),
      ...(weird
        ? {
            truncate: pick("none", "second", "day"),
            shift: pick<Duration.Input>(0, "330 minutes", "-8 hours", "1 seconds", "-2 seconds"),
            ignored: pick("none", "fraction", "all"),
            field: pick("start", "created")
          }
        : {})
    },
    ...(mild
      ? {}
      : {
          filterAfterPaging: chance(0.8) ? "nothing" : pick("filters", "all"),
          ...(chance(0.1) ? { replicas: { count: pick(2, 3), lag: pick("1 seconds", "1 minute", "10 minutes") } } : {}),
          ...(chance(0.15)
            ? {
                cache: {
                  ttl: pick("1 seconds", "10 seconds", "1 hour"),
                  respectNoCache: chance(0.3),
                  age: chance(0.5)
                }
              }
            : {}),
          ...(poison ? { poison: [Math.floor(next() * sessions), Math.floor(next() * sessions)] } : {}),
          ...(faulty
            ? {
                faultRate: pick(0.02, 0.1),
                faults: [
                  Fault.emptyAnswer,
                  Fault.emptyAnswer,
                  Fault.status(500),
                  Fault.tooManyRequests(),
                  Fault.reset,
                  Fault.unsuccessful,
                  Fault.html,
                  Fault.truncated()
                ]
              }
            : {})
        })
  }
  const now = startAt + Duration.toMillis(Duration.fromInputUnsafe(simulator.clockOffset ?? 0)) * 1000
  const back = (longest: number) => now - Math.floor(next() * longest * hour)
  const spanned = ranged ? [back(80), back(80)].sort((a, b) => a - b) : []
  const bounded = () => {
    const to = chance(0.7) ? Math.min(spanned[1] ?? now, now - 3 * hour) : (spanned[1] ?? now)
    return { from: Math.min(spanned[0] ?? to, to - 1), to }
  }
  const range = ranged && !chance(0.15) ? bounded() : ranged ? pick({ from: spanned[0] }, { to: spanned[1] }) : {}
  const read: Read = {
    concurrency: pick(1, 3, 4),
    pageSize: pick(5, 10, 100),
    pagesPerWindow: pick(undefined, 2, 5, 20),
    keepGoing: poison,
    cuts: chance(0.2) ? [back(70), back(70)] : [],
    horizon: chance(0.1) ? "1 hour" : undefined,
    ...(chance(0.2)
      ? filters(optionsOf(simulator), pick("agentId", "agentId", "channel", "status", "callerNumber"), next())
      : {})
  }
  return { simulator, range, read, step: pick(0, 50, 1000), client: faulty }
}

const filters = (
  options: AgniSimulator.Options,
  kind: "agentId" | "channel" | "status" | "callerNumber",
  chance: number
): Omit<Read, "cuts" | "resume"> => {
  const { rows } = everything(options, {})
  const row = rows[Math.floor(chance * rows.length)]
  const value = row?.[kind]
  return typeof value === "string" && value !== "" ? { [kind]: value } : {}
}

/** What a quiet twin of the server lists in one answer. */
const everything = (options: AgniSimulator.Options, query: CallSessionQuery.CallSessionQuery) => {
  const twin = AgniSimulator.makeUnsafe(
    {
      wire: "seen",
      ...options,
      bounds: {},
      cache: undefined,
      faultRate: 0,
      poison: 0,
      replicas: undefined,
      maxPageSize: 100_000,
      filterAfterPaging: "nothing",
      duplicated: 0
    },
    () => 0
  )
  const page = Effect.runSync(direct(twin, () => {})({ ...query, pageSize: 100_000 }))
  return { rows: page.rows.sessions() }
}

/** What says nothing to a walk and is another one in each answer: signatures, and where the page begins. */
const unsigned = (body: string) => body.replaceAll(/[?]token=[^"]*|"offset":[0-9]+/g, "")

/**
 * The client's job without transport, budget and retries. Pages come again and again in a reading: the text of one is
 * decoded once.
 */
const direct = (
  simulator: AgniSimulator.AgniSimulator,
  tick: () => void,
  now: () => number = () => startAt / 1000
): AgniClient["Service"]["list"] => {
  const decoded = new Map<string, Page>()
  const headersSent = { "x-api-key": simulator.apiKey, "cache-control": "no-cache" }
  return (query) =>
    Effect.suspend(() => {
      tick()
      const params = Result.getOrThrow(CallSessionQuery.toParameters(query))
      const search = params.map((pair) => pair.join("=")).join("&")
      const { body, headers, status } = simulator.handle(
        {
          method: "GET",
          origin: "",
          path: AgniSimulator.endpointPath,
          search,
          params: Object.fromEntries(params),
          headers: headersSent
        },
        simulator.now() / 1000
      )
      const age = Number(headers["age"] ?? 0)
      const date = headers["date"] === undefined ? now() : Date.parse(headers["date"])
      const fail = (reason: AgniError["reason"]) =>
        Effect.fail(new AgniError({ reason, request: search, attempts: 1, elapsed: Duration.zero }))
      if (status === 400) return fail(new InvalidRequest({ status, quote: body }))
      if (status !== 200) return fail(new Unavailable({ outage: { _tag: "Status", status, quote: body } }))
      const observed = { page: query.page ?? 1, observedAt: Instant.of(Math.round((date - age * 1000) * 1000)), age }
      const text = unsigned(body)
      const known = decoded.get(text)
      if (known !== undefined) return Effect.succeed({ ...known, ...observed })
      const page = Envelope.decode(body, { ...observed, quote: (text) => text })
      if (Result.isFailure(page)) return fail(page.failure)
      if (page.success.rejected.length === 0) decoded.set(text, page.success)
      return Effect.succeed(page.success)
    })
}

export interface World {
  readonly simulator: AgniSimulator.AgniSimulator
  /** This machine's clock, which goes with the server's. */
  readonly clock: Clock.Clock
  readonly client: AgniClient["Service"]
}

/** The server of a case, and a client of it whose every request takes the case's time. */
export const open = (one: Case, limit = 8_000): World => {
  let clock = startAt / 1000
  const simulator = AgniSimulator.makeUnsafe({ wire: "seen", ...optionsOf(one.simulator) }, () => clock)
  let requests = 0
  const tick = () => {
    clock += one.step
    if (++requests > limit) throw new Error(`more than ${limit} requests`)
  }
  const made = AgniClient.make({
    apiKey: Redacted.make(simulator.apiKey),
    retry: { base: "1 millis", cap: "1 millis", tries: 12 }
  }).pipe(
    Effect.provideService(
      HttpClient.HttpClient,
      HttpClient.transform(simulator.httpClient, (effect) =>
        Effect.suspend(() => {
          tick()
          return effect
        })
      )
    )
  )
  const bare = direct(simulator, tick, () => clock)
  return {
    simulator,
    clock: impatient(
      () => clock,
      (millis) => {
        clock += millis
      }
    ),
    // The turn of another reader comes between a request and the next one.
    client: one.client
      ? Effect.runSync(made)
      : AgniClient.of({ list: (query) => Effect.andThen(Effect.yieldNow, bare(query)) })
  }
}

/** What was delivered, and what of it is wrong: nothing, unless there is a bug. */
export interface Judgement {
  readonly verdict: Verdict
  readonly complete: boolean
  readonly requests: number
  /** Windows, and how many of them are proven. */
  readonly windows: number
  readonly proven: number
  readonly reasons: ReadonlyArray<string>
  readonly wrong: ReadonlyArray<string>
}

/** What is said of each stretch when the last window has come: it may take back what was said before. */
export const finalCoverage = (windows: ReadonlyArray<Window>): ReadonlyArray<Said> => {
  let said: ReadonlyArray<Said> = windows.map(({ coverage, from, to }) => ({ coverage, from, to }))
  for (const { revised = [] } of windows) {
    for (const revision of revised) said = said.flatMap((one) => revise(one, revision))
  }
  return said
}

type Said = Pick<Window, "coverage" | "from" | "to">

/** As the coverage report has it: less is known of the part that was contradicted, and of the rest what was. */
const revise = (one: Said, { coverage, from, to }: Said): ReadonlyArray<Said> => {
  if (one.from >= to || one.to <= from || verdict(one.coverage) !== "proven") return [one]
  return [
    { ...one, to: Instant.max(one.from, from) },
    { coverage, from: Instant.max(one.from, from), to: Instant.min(one.to, to) },
    { ...one, from: Instant.min(one.to, to) }
  ].filter((part) => part.from < part.to)
}

/** Ids visible throughout, of the range and filters, that are not among these. */
export const missed = (one: Case, { simulator }: World, ids: Iterable<string>): ReadonlyArray<string> => {
  const { agentId, callerNumber, channel, status } = one.read
  const { from, to } = one.range
  const missing = simulator.missed(ids, { agentId, channel, status, ...rangeOf({ from, to }) })
  if (callerNumber === undefined || missing.length === 0) return missing
  const { rows } = everything(optionsOf(one.simulator), { callerNumber })
  const meant = new Set(rows.map(({ id }) => id))
  return missing.filter((id) => meant.has(id))
}

/** Holds what was delivered against what there is. */
export const judge = (one: Case, world: World, windows: ReadonlyArray<Window>): Judgement => {
  const wrong: Array<string> = []
  const ids = windows.flatMap(({ rejected, rows }) => [
    ...rows.sessions().map(({ id }) => id),
    ...rejected.map(({ index }) => `rejected ${index}`)
  ])
  if (new Set(ids).size !== ids.length) wrong.push("a session came twice")
  for (const [i, window] of windows.entries()) {
    const before = windows[i - 1]
    if (window.to < window.from) wrong.push("a window ends before it begins")
    if (before !== undefined && before.to !== window.from) wrong.push("the windows do not tile the range")
    const starts = window.rows.sessions().map((session) => startInstant(session) ?? -Infinity)
    const undated = window.from === window.to
    const outside = (start: number) => start < window.from || start >= window.to
    if (window.coverage._tag !== "Unprovable" && !undated && starts.some(outside)) {
      wrong.push("a session lies outside its window")
    }
    if (window.coverage._tag !== "Unprovable" && starts.some((start, k) => start < (starts[k - 1] ?? -Infinity))) {
      wrong.push("a window is not in order")
    }
  }
  const { from, to } = one.range
  const end = windows.at(-1)?.to
  if (from !== undefined && windows.length > 0 && windows[0]?.from !== Math.min(from, end ?? from)) {
    wrong.push("the windows begin elsewhere")
  }
  if (to !== undefined && (windows.length === 0 ? from !== undefined && from < to : end !== to)) {
    wrong.push("the windows end elsewhere")
  }
  const missing = new Set(missed(one, world, ids))
  const began = world.simulator.requests[0]?.at ?? startAt
  const horizon = began - Duration.toMillis(Duration.fromInputUnsafe(one.read.horizon ?? "2 hours")) * 1000
  // What has no start is as old as its creation: nothing is claimed of what is younger than the horizon.
  const truth = world.simulator
    .truth()
    .filter(({ createdAt, id, startedAt }) => missing.has(id) && (startedAt !== undefined || createdAt < horizon))
  const said = finalCoverage(windows)
  const total = said.map(({ coverage }) => verdict(coverage)).reduce(weaker, "proven")
  const claimed = truth.filter(({ startedAt }) =>
    startedAt === undefined
      ? windows.at(-1)?.coverage._tag === "Proven" && windows.at(-1)?.from === windows.at(-1)?.to
      : said.some((window) => startedAt >= window.from && startedAt < window.to && window.coverage._tag === "Proven")
  )
  // What starts after the end of the range was not asked for.
  const meant = truth.filter(({ startedAt }) => startedAt === undefined || startedAt < (end ?? Infinity))
  if (claimed.length > 0) wrong.push(`${claimed.length} sessions are missing from windows that are proven`)
  if (total === "proven" && meant.length > 0) wrong.push(`proven, and ${meant.length} sessions are missing`)
  const reasons = windows.flatMap(({ coverage }) =>
    "reason" in coverage ? [CoverageReason.describe(coverage.reason)] : []
  )
  return {
    verdict: total,
    complete: meant.length === 0,
    requests: world.simulator.requests.length,
    windows: windows.length,
    proven: windows.filter(({ coverage }) => coverage._tag === "Proven").length,
    reasons: [...new Set(reasons)],
    wrong
  }
}

/** The client's waits between tries take no time, and its time-outs their own. */
const impatient = (millis: () => number, wait: (millis: number) => void): Clock.Clock => {
  const clock = Clock.Clock.defaultValue()
  return {
    currentTimeMillis: Effect.sync(millis),
    currentTimeMillisUnsafe: millis,
    currentTimeNanos: Effect.sync(() => BigInt(Math.floor(millis())) * 1_000_000n),
    currentTimeNanosUnsafe: () => BigInt(Math.floor(millis())) * 1_000_000n,
    monotonicTimeNanos: clock.monotonicTimeNanos,
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
    sleep: (duration) =>
      Duration.toMillis(duration) <= 1000
        ? Effect.andThen(
            Effect.sync(() => wait(Duration.toMillis(duration))),
            Effect.yieldNow
          )
        : clock.sleep(duration)
  }
}

/** One case from end to end. A case with faults may fail: that is no lie. */
export const run = (one: Case) => {
  const world = open(one)
  return Stream.runCollect(windows(one)).pipe(
    Effect.provideService(AgniClient, world.client),
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.provideService(Clock.Clock, world.clock),
    Effect.map((windows) => judge(one, world, windows))
  )
}

/** Whether the run of a case may end in an error. */
export const mayFail = ({ client, simulator }: Case): boolean => client || simulator.poison !== undefined
