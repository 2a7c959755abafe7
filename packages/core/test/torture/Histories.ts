/** Histories by seed, as adverse as a server can make them, and what a run over one of them must hold. */
import { type Case, optionsOf, random, type Read, type Simulator, startAt } from "./HistoryCase.ts"
import { judge } from "./HistoryJudge.ts"
import { windows } from "./HistoryReading.ts"
import { everything, open } from "./HistoryServer.ts"
import { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniSimulator, Fault } from "@callstream/core/testing"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as Stream from "effect/Stream"

export * from "./HistoryCase.ts"
export * from "./HistoryJudge.ts"
export * from "./HistoryReading.ts"
export * from "./HistoryServer.ts"

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
