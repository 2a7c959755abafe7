/** `callstream replay FILE`: what could not go on before is sent through transforms and sinks again. */
import { CallSession, Checkpoint, DeadLetterFile, Instant, Pipeline, type DeadLetter } from "@callstream/core"
import type * as Coverage from "@callstream/core/stream/Coverage"
import { GuardedTransport } from "@callstream/node"
import * as NodeDns from "@effect/platform-node/NodeDns"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Sinks from "../flag/Sinks.ts"
import * as Transforms from "../flag/Transforms.ts"
import * as Format from "../output/Format.ts"
import { print } from "../output/Screen.ts"
import { Incomplete, UsageError } from "../output/UsageError.ts"

const flags = {
  file: Argument.String("file").pipe(Argument.withDescription("A file of dead letters")),
  ...Transforms.flags,
  ...Sinks.flags,
  organization: Flag.String("organization").pipe(
    Flag.withMetavar("ID"),
    Flag.withDescription("Whose calls they are, for a webhook, when the records do not say it"),
    Flag.optional
  )
}

const isObject = (u: unknown): u is Record<string, unknown> => typeof u === "object" && u !== null && !Array.isArray(u)

/** Each letter is a window of its own: it keeps the time at which it was observed, which is its version. */
const asWindow = (letter: DeadLetter.DeadLetter): Coverage.Window => {
  const decoded = CallSession.fromWire(letter.raw)
  const { observedAt, raw } = letter
  return {
    from: 0,
    to: 0,
    sessions: Result.isSuccess(decoded) ? [decoded.success] : [],
    rejected: Result.isSuccess(decoded)
      ? []
      : [{ stage: letter.stage, reason: decoded.failure, raw, page: 0, index: 0, observedAt }],
    coverage: { _tag: "Provisional", reason: "a dead letter" },
    settled: 0,
    requests: 0,
    observedAt
  }
}

const replay = Effect.fnUntraced(function* (
  input: Parameters<typeof Transforms.fromFlags>[0] &
    Sinks.Flags & { readonly file: string; readonly organization: Option.Option<string> }
) {
  yield* Sinks.check(input)
  const transform = yield* Transforms.toTransform(Transforms.fromFlags(input), { tabular: Sinks.areTables(input) })
  const { letters, replayed, torn } = yield* DeadLetterFile.read(input.file)
  const fs = yield* FileSystem.FileSystem
  const spool = yield* Effect.orDie(fs.makeTempDirectoryScoped({ prefix: "callstream-" }))
  const said = letters.map(({ raw }) => (isObject(raw) ? (raw["organizationId"] ?? raw["organization_id"]) : undefined))
  const organization =
    Option.getOrUndefined(input.organization) ?? said.find((one): one is string => typeof one === "string") ?? ""
  const [first, ...rest] = yield* Sinks.make(input, { organization, spool, account: undefined })
  if (letters.length + replayed === 0 && torn > 0) {
    return yield* new UsageError({
      problem: `${input.file} is no file of dead letters`,
      advice: "The summary of the run that put records aside names it."
    })
  }
  if (first === undefined || letters.length === 0) {
    return yield* print(
      `no dead letters are left in ${input.file}: ${Format.counted(replayed, "was", "were")} replayed before`
    )
  }
  const ordered = letters.toSorted((left, right) => left.observedAt - right.observedAt)
  const origin = new Map<unknown, string>()
  const failed = new Set<string>()
  const pipeline = Pipeline.make({
    name: "replay",
    source: () =>
      Stream.map(Stream.fromIterable(ordered), (letter) => {
        const window = asWindow(letter)
        for (const record of [...window.sessions, letter.raw]) origin.set(record, letter.letter)
        return window
      }),
    transform,
    sinks: [first, ...rest],
    // What fails again is in the file already.
    deadLetters: {
      name: "dead-letters",
      delivery: "append",
      open: (from) =>
        Effect.succeed({
          committed: from,
          write: ({ items }) =>
            Effect.sync(() => {
              for (const { row } of items) failed.add(origin.get(row.raw) ?? row.letter)
              return []
            }),
          flush: (cursor) => Effect.succeed({ cursor, position: null }),
          finish: Effect.void
        })
    },
    maxDeadShare: 1
  })
  yield* Sinks.orUnfinished(pipeline.run, 1 + rest.length)
  const now = Instant.format((yield* Clock.currentTimeMillis) * 1000)
  const done = ordered.filter(({ letter }) => !failed.has(letter))
  const marks = yield* DeadLetterFile.sink(input.file).open(Option.none())
  yield* marks.write({
    items: done.map(({ letter }) => ({ id: letter, start: undefined, row: { letter, replayed: now } })),
    columns: [],
    observedAt: 0
  })
  yield* marks.flush(0)
  yield* print(
    `${Format.counted(done.length, "dead letter")} replayed, ${Format.count(failed.size)} left in ${input.file}`,
    ...(torn === 0 ? [] : [`  ${Format.counted(torn, "line")} of it could not be read: a run was killed in the middle`])
  )
  if (failed.size > 0) return yield* new Incomplete()
})

const environment = Layer.merge(Checkpoint.layerMemory, Layer.provide(GuardedTransport.layer, NodeDns.layer))

export const replayCommand = Command.make("replay", flags, (input) =>
  Effect.provide(Effect.scoped(replay(input)), environment)
).pipe(
  Command.withDescription(
    "Send the records of a file of dead letters again, with the flags of the export that put them aside. Those that arrive are marked in the file; exit code 3 says that some are left."
  ),
  Command.withShortDescription("Send dead letters again"),
  Command.withExamples([
    {
      command: "callstream replay calls.ndjson.dead-letters.ndjson --to https://example.com/hook",
      description: "Those that a webhook had refused"
    }
  ])
)
