/** `callstream replay FILE`: what could not go on before is sent through transforms and sinks again. */
import {
  CallSession,
  Checkpoint,
  CheckpointError,
  type DeadLetter,
  DeadLetterFile,
  Instant,
  OutputLockFile,
  type Item,
  Pipeline,
  Coverage,
  type SinkError,
  Version
} from "@callstream/core"
import { GuardedTransport, ProcessOwner } from "@callstream/node"
import * as NodeDns from "@effect/platform-node/NodeDns"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Sinks from "../flag/Sinks.ts"
import * as Target from "../flag/Target.ts"
import * as Transforms from "../flag/Transforms.ts"
import * as Zone from "../flag/Zone.ts"
import * as DeadLetters from "../output/DeadLetters.ts"
import * as Format from "../output/Format.ts"
import { print } from "../output/Screen.ts"
import { type FlagValues, flags as flagsOf, one, pick } from "../option/Declared.ts"
import * as Kind from "../option/Kind.ts"
import * as Options from "../option/Options.ts"
import * as Summary from "../output/Summary.ts"
import { Incomplete, UsageError } from "../option/UsageError.ts"

const options = {
  ...Options.transforms,
  zone: Options.run.zone,
  to: Options.to,
  ...Options.sink,
  organization: one(
    Kind.text("ID", "the id of an organization"),
    "Organization of the calls, for a webhook, when the records do not name it"
  )
}

const flags = {
  file: Argument.String("file").pipe(Argument.withDescription("A dead-letter file")),
  ...flagsOf(options)
}

const isObject = (u: unknown): u is Record<string, unknown> => typeof u === "object" && u !== null && !Array.isArray(u)

interface Part {
  readonly letters: ReadonlyArray<DeadLetter.DeadLetter>
  readonly window: Coverage.Window
}

const mostInPart = 100

/**
 * What was observed at one time goes together, and is marked together; a sink that refuses says which session, so a part
 * has each once. All keep the time at which they were observed, which is their version: the earliest come first.
 */
const inParts = (letters: ReadonlyArray<DeadLetter.DeadLetter>, origin: Map<unknown, string>): ReadonlyArray<Part> => {
  const parts: Array<Array<DeadLetter.DeadLetter>> = []
  const sessions = new Map<DeadLetter.DeadLetter, CallSession.CallSession>()
  const reasons = new Map<DeadLetter.DeadLetter, string>()
  const ids = new Set<string>()
  for (const letter of letters.toSorted((left, right) => left.observedAt - right.observedAt)) {
    const decoded = CallSession.fromWire(letter.raw)
    origin.set(letter.raw, letter.letter)
    if (Result.isSuccess(decoded)) {
      sessions.set(letter, decoded.success)
      origin.set(decoded.success, letter.letter)
    } else reasons.set(letter, decoded.failure)
    const id = sessions.get(letter)?.id ?? letter.letter
    const part = parts.at(-1)
    if (part?.[0]?.observedAt === letter.observedAt && part.length < mostInPart && !ids.has(id)) part.push(letter)
    else {
      parts.push([letter])
      ids.clear()
    }
    ids.add(id)
  }
  return parts.map((letters, place): Part => {
    const observedAt = letters[0]?.observedAt ?? 0
    return {
      letters,
      window: Coverage.make(itemsOf(letters, sessions), {
        // Places, not times: they tell how far the replay is.
        from: place,
        to: place + 1,
        rejected: letters.flatMap((letter) => {
          const reason = reasons.get(letter)
          const { raw, stage } = letter
          return reason === undefined ? [] : [{ stage, reason, raw, page: 0, index: 0, observedAt }]
        }),
        coverage: { _tag: "Provisional", reason: "a dead letter" },
        requests: 0,
        observedAt
      })
    }
  })
}

const itemsOf = (
  letters: ReadonlyArray<DeadLetter.DeadLetter>,
  sessions: ReadonlyMap<DeadLetter.DeadLetter, CallSession.CallSession>
): ReadonlyArray<Item<CallSession.CallSession>> =>
  letters.flatMap((letter) => {
    const row = sessions.get(letter)
    const version = Version.of(letter.observedAt)
    return row === undefined ? [] : [{ id: row.id, start: CallSession.startInstant(row), version, row }]
  })

const notMarked = (file: string) => (error: SinkError) =>
  new CheckpointError({
    reason: "io",
    description: `what arrived cannot be marked in ${file}: ${error.description}`,
    advice: "Mend that and replay it again: what is not marked is sent once more."
  })

const replay = Effect.fnUntraced(function* (input: FlagValues<typeof options> & { readonly file: string }) {
  const { file } = input
  const zone = yield* Zone.make(input.zone)
  const planned = yield* Effect.flatMap(Sinks.fromFlags(input.to, pick(Options.sink, input)), Sinks.plan)
  const transform = yield* Transforms.toTransform(pick(Options.transforms, input), {
    tabular: planned.some(({ target }) => Target.isTable(target)),
    zone
  })
  const { letters, replayed, torn } = yield* DeadLetterFile.read(file)
  const said = letters.map(({ raw }) => (isObject(raw) ? (raw["organizationId"] ?? raw["organization_id"]) : undefined))
  const organization = input.organization ?? said.find((one): one is string => typeof one === "string") ?? ""
  const [first, ...rest] = yield* Sinks.make(planned, {
    organization,
    spool: undefined,
    account: undefined,
    timeZone: Zone.forSinks(zone)
  })
  if (letters.length + replayed === 0 && torn > 0) {
    return yield* new UsageError({ reason: { _tag: "NotDeadLetters", path: file } })
  }
  if (first === undefined || letters.length === 0) {
    return yield* print(
      `no dead letters are left in ${file}: ${Format.counted(replayed, "was", "were")} replayed before`
    )
  }
  yield* DeadLetters.check(file)
  const origin = new Map<unknown, string>()
  const parts = inParts(letters, origin)
  const failed = new Set<string>()
  const marks = yield* DeadLetterFile.sink(file).open(Option.none())
  let next = 0
  let marked = 0
  /** Of the parts before a place, which are safe in every sink, those that arrived. */
  const mark = Effect.fnUntraced(function* (place: number) {
    const replayed = Instant.format((yield* Clock.currentTimeMillis) * 1000)
    const done = parts
      .slice(next, place)
      .flatMap(({ letters }) => letters)
      .filter(({ letter }) => !failed.has(letter))
    next = Math.max(next, Math.min(place, parts.length))
    if (done.length === 0) return
    yield* marks.write({
      items: done.map(({ letter }) => ({ id: letter, start: undefined, row: { letter, replayed } })),
      columns: [],
      observedAt: 0
    })
    yield* marks.flush(0)
    marked += done.length
  })
  const sinks = [first, ...rest] as const
  /** A file that is not finished is begun anew by the next replay, and whether a pipe's reader read on nobody knows. */
  const byParts = sinks.every(({ delivery }) => delivery === "idempotent" || delivery === "transactional")
  const checkpoint: Checkpoint["Service"] = {
    open: () =>
      Effect.succeed({
        state: Option.none(),
        commit: ({ finished, sinks }) =>
          byParts || finished
            ? Effect.mapError(mark(Math.min(...Object.values(sinks).map(({ cursor }) => cursor))), notMarked(file))
            : Effect.void
      })
  }
  const pipeline = Pipeline.make({
    name: "replay",
    source: () => Stream.fromIterable(parts.map(({ window }) => window)),
    transform,
    sinks,
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
    commitEvery: 0,
    maxDeadShare: 1
  })
  const done = yield* Sinks.orUnfinished(
    Effect.provideService(pipeline.run, Checkpoint, checkpoint),
    sinks.length
  ).pipe(
    Effect.onError(() =>
      marked === 0
        ? Effect.void
        : print(`${Format.counted(marked, "dead letter")} replayed and marked in ${file} before that`)
    )
  )
  yield* print(
    `${Format.counted(marked, "dead letter")} replayed, ${Format.count(failed.size)} left in ${file}`,
    ...done.sinks.flatMap((sink, at) => Summary.versionLines(planned[at], sink)),
    ...(torn === 0 ? [] : [`  ${Format.counted(torn, "line")} of it could not be read: a run was killed in the middle`])
  )
  if (failed.size > 0) return yield* new Incomplete()
})

const environment = Layer.merge(
  Layer.provide(GuardedTransport.layer, NodeDns.layer),
  Layer.provide(OutputLockFile.layer, ProcessOwner.layer)
)

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
