/** `callstream get ID…`: calls by their ids, as JSON. */
import { type CallSession, Lookup, type Rejected } from "@callstream/core"
import { AgniTransport } from "@callstream/node"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { flags, type FlagValues, onOff, pick } from "../option/Declared.ts"
import * as Options from "../option/Options.ts"
import * as ShownTime from "../option/ShownTime.ts"
import * as Source from "../option/SourceOptions.ts"
import { Incomplete, UsageError } from "../option/UsageError.ts"
import * as Format from "../render/Format.ts"
import { answer, print, warn } from "../render/Screen.ts"

/** The options of `get` alone. */
export const options = {
  walk: onOff("Look on every page of the list too, a request for each hundred calls, for what nothing quicker finds"),
  quiet: onOff("Print no line about the requests; calls that were not found are still named")
}

const all = { ...options, ...Options.connection }

const ways: Readonly<Record<Lookup.Way, string>> = {
  started: "among the calls that started in the minute after its creation",
  created: "in the order of creation",
  search: "by the server's search",
  walk: "on every page"
}

const textOf = (call: CallSession.CallSession | Rejected, isRejected: boolean): string =>
  JSON.stringify(isRejected && "raw" in call ? call.raw : call)

const listed = (looked: ReadonlyArray<Lookup.Way>): string =>
  looked
    .map((way) => ways[way])
    .join(", ")
    .replace(/, ([^,]*)$/, " and $1")

/** Names a call, where callstream looked for it, and the ways that are left. */
const missingLines = ({ created, id, looked }: Lookup.Missing): ReadonlyArray<string> => {
  const time = created === undefined ? "" : `, which was made at ${ShownTime.time(created, undefined)}`
  return [
    `not found: ${id}${time}`,
    `  Looked for it ${listed(looked)}.`,
    ...(looked.includes("walk")
      ? []
      : created === undefined
        ? [
            "  Its time is not known, because it is no UUID of version 7. Add --walk to look on every page: a request for each hundred calls."
          ]
        : ["  Is it of this organization? Add --walk to look on every page: a request for each hundred calls."])
  ]
}

const get = Effect.fnUntraced(function* (
  ids: ReadonlyArray<string>,
  { quiet = false, walk }: FlagValues<typeof options>
) {
  const { found, missing, requests } = yield* Lookup.find(ids, { walk })
  if (found.length > 0) yield* answer(found.map(({ call, isRejected }) => textOf(call, isRejected)).join("\n"))
  const broken = found.flatMap(({ call, id, isRejected }) =>
    isRejected && "reason" in call ? [`${id} is no valid call: ${call.reason}`] : []
  )
  yield* Effect.forEach(broken, (line) => warn(line), { discard: true })
  yield* Effect.forEach(missing, (one) => print(...missingLines(one)), { discard: true })
  if (!quiet) {
    const total = found.length + missing.length
    yield* print(
      `${Format.count(found.length)} of ${Format.counted(total, "call")} found in ${Format.counted(requests, "request")}`
    )
  }
  if (missing.length > 0) return yield* new Incomplete()
})

export const getCommand = Command.make(
  "get",
  {
    ids: Argument.String("id").pipe(
      Argument.withDescription("The id of a call; several may be given"),
      Argument.variadic({ min: 1 })
    ),
    ...flags(all)
  },
  Effect.fnUntraced(function* ({ ids, ...input }) {
    const empty = ids.findIndex((id) => id.trim() === "")
    if (empty >= 0) {
      const which = ids.length === 1 ? ", not an empty one" : `; number ${empty + 1} of ${ids.length} is empty`
      return yield* new UsageError({ reason: { _tag: "Expected", expected: `the id of a call${which}` } })
    }
    const client = Layer.provide(Source.client(pick(Options.connection, input)), AgniTransport.layer)
    yield* Effect.provide(get(ids, input), client)
  })
).pipe(
  Command.withDescription(
    "Find calls by their ids, and print each as a line of JSON. An id begins with the time at which its call was created, so one that started soon after is found by one request, and one that never started by some ten. Exit code 3 says that a call was not found."
  ),
  Command.withShortDescription("Find calls by their ids"),
  Command.withExamples([
    { command: "callstream get 0198f3a2-6c1e-7d4b-9a55-3f2e1d0c9b8a | jq .status", description: "One call" },
    { command: "callstream get call-17 --walk", description: "An id without a time, looked for on every page" }
  ])
)
