/** `callstream runs`: the runs of a fleet, and what a person does with them. */
import { Fleet, FleetMetrics, type FleetRun } from "@callstream/cluster"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Cluster from "../option/ClusterOptions.ts"
import { flags, onOff } from "../option/Declared.ts"
import * as Options from "../option/Options.ts"
import { place as placeOfSyncs } from "../option/SyncOptions.ts"
import { UsageError } from "../option/UsageError.ts"
import * as Zone from "../option/Zone.ts"
import { exitCode, onInterrupt } from "../render/ExitCode.ts"
import * as RunsTable from "../render/RunsTable.ts"
import { answer, print, toPrintable } from "../render/Screen.ts"
import * as FleetAccess from "../run/fleet/FleetAccess.ts"
import * as Otlp from "../run/Otlp.ts"
import * as RunMetrics from "../run/RunMetrics.ts"

export const options = {
  ...Cluster.place,
  zone: placeOfSyncs.zone,
  watch: onOff("Show changes as they come: of a run until it has ended, of all of them until a signal"),
  json: onOff("Print one line of JSON for each run, on stdout"),
  metricsFile: Options.metricsFile,
  otlp: Options.otlp
}

/** Of `runs cancel` and `runs retry`. */
export const changing = Cluster.place

const nameArgument = (description: string) => Argument.String("name").pipe(Argument.withDescription(description))

/** The runs that are asked for, and what is shown below the table. */
interface Found {
  readonly runs: ReadonlyArray<FleetRun.FleetRun>
  readonly details: ReadonlyArray<string>
}

/** A name that no run has: with those that there are. */
const noSuchRun = Effect.fnUntraced(function* ({ asked, fleet }: FleetAccess.Access, name: string) {
  const known = yield* asked(fleet.runs())
  const names = [...new Set(known.map(({ name }) => name))].sort()
  return yield* new UsageError({ reason: { _tag: "NoSuchRun", name, known: names } })
})

const find = Effect.fnUntraced(function* (access: FleetAccess.Access, name: string | undefined) {
  if (name === undefined) return { runs: yield* access.asked(access.fleet.runs()), details: [] } satisfies Found
  const run = (yield* access.find(name)) ?? (yield* noSuchRun(access, name))
  return { runs: [run], details: RunsTable.details(run) } satisfies Found
})

const width = () => process.stdout.columns ?? Infinity

const textOf = ({ details, runs }: Found, clock: Zone.Zone["clock"]): string =>
  [...RunsTable.lines(runs, width(), clock), ...details.map(toPrintable)].join("\n")

/** What replaces the lines before it on a terminal. */
const over = (text: string): string => `\u001b[${text.split("\n").length}A\u001b[J`

/** Prints what has changed, and on a terminal in the place of what was there. */
const watching = Effect.fnUntraced(function* (
  look: Effect.Effect<Found, Effect.Error<ReturnType<typeof find>>>,
  show: (found: Found) => ReadonlyArray<string>,
  isDone: (found: Found) => boolean
) {
  const isLive = process.stdout.isTTY
  const shown = yield* Ref.make<ReadonlyArray<string>>([])
  const step = Effect.gen(function* () {
    const found = yield* look
    const next = show(found)
    const before = yield* Ref.getAndSet(shown, next)
    const changed = isLive ? next : next.filter((line, i) => line !== before[i])
    const isSame = next.join("\n") === before.join("\n")
    if (!isSame) {
      const back = isLive && before.length > 0 ? over(before.join("\n")) : ""
      yield* answer(back + changed.join("\n"))
    }
    return isDone(found)
  })
  yield* Effect.repeat(step, { schedule: Schedule.spaced("1 second"), until: (done) => done })
})

export const cancelCommand = Command.make(
  "cancel",
  { name: nameArgument("The name of a run that has not ended"), ...flags(changing) },
  Effect.fnUntraced(function* ({ cluster, fleet, name }) {
    const access = yield* FleetAccess.open(yield* Cluster.databaseOf(cluster), fleet)
    if ((yield* access.find(name)) === undefined) return yield* noSuchRun(access, name)
    yield* access.asked(access.fleet.cancel(name))
    yield* print(`run ${name} is cancelled; what was delivered stays`)
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Stop a run. Workers that read a part of it stop at their next commit. What was delivered stays, and callstream runs retry resumes it."
  ),
  Command.withShortDescription("Stop a run")
)

export const retryCommand = Command.make(
  "retry",
  { name: nameArgument("The name of a run that failed or was cancelled"), ...flags(changing) },
  Effect.fnUntraced(function* ({ cluster, fleet, name }) {
    const access = yield* FleetAccess.open(yield* Cluster.databaseOf(cluster), fleet)
    if ((yield* access.find(name)) === undefined) return yield* noSuchRun(access, name)
    yield* access.asked(access.fleet.retry(name))
    yield* print(`run ${name} resumes where it stopped`)
  }, Effect.scoped)
).pipe(
  Command.withDescription("Resume a run that failed or was cancelled. What was delivered is not read again."),
  Command.withShortDescription("Resume a run that failed")
)

export const runsCommand = Command.make(
  "runs",
  {
    name: nameArgument("The name of a run; all of them without one").pipe(Argument.optional),
    ...flags(options)
  },
  Effect.fnUntraced(function* ({ cluster, fleet, json, metricsFile, name, otlp, watch, zone }) {
    const { clock } = yield* Zone.make(zone)
    const one = Option.getOrUndefined(name)
    const telemetry = yield* Otlp.settings(otlp)
    const access = yield* FleetAccess.open(yield* Cluster.databaseOf(cluster), fleet)
    const show = (found: Found): ReadonlyArray<string> =>
      json === true ? found.runs.map((run) => JSON.stringify(RunsTable.toJson(run))) : [textOf(found, clock)]
    const look = Effect.tap(find(access, one), ({ runs }) => FleetMetrics.update(runs, fleet))
    const shown = Effect.gen(function* () {
      if (watch === true)
        return yield* watching(look, show, ({ runs }) => one !== undefined && runs.every(Fleet.hasEnded))
      const lines = show(yield* look)
      if (lines.length > 0) yield* answer(lines.join("\n"))
    })
    // Only a signal ends the watch of all of them.
    if (watch === true && one === undefined) yield* Ref.set(onInterrupt, exitCode.done)
    yield* Otlp.exporting(telemetry, RunMetrics.writing(metricsFile, shown))
  }, Effect.scoped)
).pipe(
  Command.withSubcommands([cancelCommand, retryCommand]),
  Command.withDescription(
    "What the runs of a fleet do: how far each is, who works on it, and why one failed. Makes no request to the API."
  ),
  Command.withShortDescription("The runs that workers share"),
  Command.withExamples([
    { command: "callstream runs --cluster postgres:DATABASE_URL --watch", description: "A live table" },
    {
      command: "callstream runs --cluster postgres:DATABASE_URL --watch --metrics-file runs.prom",
      description: "The same for Prometheus"
    },
    {
      command: "callstream runs nightly --cluster postgres:DATABASE_URL --json | jq .state",
      description: "For another program"
    },
    { command: "callstream runs retry nightly --cluster postgres:DATABASE_URL", description: "After a failure" }
  ])
)
