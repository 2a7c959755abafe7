/** `callstream check`: tests the key and probes the endpoint. */
import { AgniClient, EndpointProfile } from "@callstream/core"
import { AgniTransport } from "@callstream/node"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ProfileFile from "../option/ProfileFile.ts"
import * as Source from "../option/SourceOptions.ts"
import { flags, onOff, pick } from "../option/Declared.ts"
import * as Options from "../option/Options.ts"
import * as FactList from "../render/FactList.ts"
import * as Format from "../render/Format.ts"
import * as ShownTime from "../option/ShownTime.ts"
import { answer } from "../render/Screen.ts"

/** More than any known page size, to find the limit. */
const pageSize = 1000

const report = Effect.fnUntraced(function* (baseUrl: string) {
  const { list } = yield* AgniClient
  yield* list({ pageSize: 1 })
  yield* FactList.show(["key", "accepted"])
  const { latency, profile, oldest, records } = yield* EndpointProfile.examine({ pageSize })
  const looked = `${Format.counted(records.looked, "call")} read`
  yield* FactList.show(
    ...EndpointProfile.facts(profile).map(({ about, text }): FactList.Fact => [about, text]),
    [
      "records",
      ...(records.rejected === 0
        ? []
        : [
            `${Format.count(records.rejected)} of ${Format.count(records.looked)} could not be read: ${records.reason ?? ""}`
          ])
    ],
    [
      "no start",
      records.undated === 0
        ? `none among ${looked}`
        : `${Format.count(records.undated)} among ${looked}: a range has those that were created in it, where the API shows which`
    ],
    [
      "oldest",
      oldest === undefined
        ? "unknown: there is no call with a start time"
        : `none starts before ${ShownTime.time(oldest, undefined)}`
    ],
    [
      "latency",
      `${Format.duration(latency.millis)} from ${baseUrl}, the median of ${Format.counted(latency.of, "request")}`
    ]
  )
})

export const options = { json: onOff("Print the endpoint profile as JSON, for export --profile") }

export const checkCommand = Command.make(
  "check",
  flags({ ...Options.connection, ...options }),
  Effect.fnUntraced(function* (input) {
    const connection = pick(Options.connection, input)
    const baseUrl = Source.baseUrlOf(connection)
    const asked =
      input.json === true
        ? Effect.flatMap(EndpointProfile.examine({ pageSize }), ({ profile }) =>
            answer(ProfileFile.write(profile, baseUrl))
          )
        : report(baseUrl)
    yield* Effect.provide(asked, Layer.provide(Source.client(connection), AgniTransport.layer))
  })
).pipe(
  Command.withDescription(
    "Test the key and probe the endpoint with about a hundred requests: latency, edition, page size, order, time bounds, filters and sort fields."
  ),
  Command.withShortDescription("Test the key and the endpoint"),
  Command.withExamples([
    { command: "callstream check", description: "With the key in AGNI_API_KEY" },
    { command: "callstream check --api-key-file key.txt", description: "With the key in a file" },
    { command: "callstream check --json > profile.json", description: "Saved for export --profile profile.json" }
  ])
)
