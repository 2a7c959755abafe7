/** What a request to a webhook has besides its event: headers from the environment, and a body of its own. */
import type { CallSession, WebhookEvent, WebhookSink } from "@callstream/core"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { SinkSettings } from "./PipelineSpec.ts"
import { UsageError } from "./UsageError.ts"

/** Never a flag's value, which others on the machine can read. */
const secretVariable = "CALLSTREAM_WEBHOOK_SECRET"

type Place = (key: keyof SinkSettings) => { readonly item: number; readonly key: string }

const secretsOf = Effect.fnUntraced(function* ({ secret }: SinkSettings) {
  if (secret !== undefined) return Redacted.make(secret)
  const found = yield* Effect.option(Config.Redacted(secretVariable))
  if (Option.isSome(found) && Redacted.value(found.value).trim() !== "") return found.value
  return yield* new UsageError({ option: "to", reason: { _tag: "NoWebhookSecret", variable: secretVariable } })
})

const headersOf = Effect.fnUntraced(function* (given: ReadonlyArray<string>, at: Place) {
  const headers: Array<readonly [string, Redacted.Redacted]> = []
  for (const text of given) {
    const [name = "", variable = ""] = text.split("=")
    const found = yield* Effect.option(Config.Redacted(variable))
    if (Option.isNone(found) || Redacted.value(found.value) === "") {
      return yield* new UsageError({
        option: "webhookHeader",
        at: at("webhookHeader"),
        reason: { _tag: "VariableNotSet", variable, holds: "a header" }
      })
    }
    headers.push([name, found.value])
  }
  return Object.fromEntries(headers)
})

/** Beside the fields of the call, an expression has the whole row, with fields of other names, and the event. */
const names = ["row", "event"]

const noRow: CallSession.CallSession = { id: "" }

const isRow = (data: unknown): data is CallSession.CallSession => typeof data === "object" && data !== null

const bodyOf = Effect.fnUntraced(function* (
  text: string,
  at: Place
): Effect.fn.Return<NonNullable<WebhookSink.Options["body"]>, UsageError> {
  const { parseShape } = yield* Effect.promise(() => import("../expression/Expression.ts"))
  const shape = yield* Effect.fromResult(
    Result.mapError(
      parseShape(text, names),
      (mistake) =>
        new UsageError({ option: "webhookBody", at: at("webhookBody"), reason: { _tag: "InText", text, mistake } })
    )
  )
  return (event: WebhookEvent) => shape(isRow(event.data) ? event.data : noRow, { row: event.data, event })
})

/** The options of a webhook that its settings and the environment give, or what is wrong with them. */
export const of = Effect.fnUntraced(function* (settings: SinkSettings, item: number) {
  const at: Place = (key) => ({ item, key })
  const { batchSize, secret, webhookBody, webhookHeader = [], webhookUnsigned = false } = settings
  if (webhookUnsigned && secret !== undefined) {
    return yield* new UsageError({
      option: "webhookUnsigned",
      at: at("webhookUnsigned"),
      reason: { _tag: "Conflict", with: { option: "secret" } }
    })
  }
  if (webhookBody !== undefined && batchSize !== undefined) {
    return yield* new UsageError({
      option: "batchSize",
      at: at("batchSize"),
      reason: { _tag: "Conflict", with: { option: "webhookBody" } }
    })
  }
  return {
    unsigned: webhookUnsigned,
    secrets: webhookUnsigned ? undefined : yield* secretsOf(settings),
    headers: yield* headersOf(webhookHeader, at),
    body: webhookBody === undefined ? undefined : yield* bodyOf(webhookBody, at)
  } satisfies Partial<WebhookSink.Options>
})
