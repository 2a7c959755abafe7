import type { WebhookEvent } from "@callstream/core"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { SinkSettings } from "../../src/option/PipelineSpec.ts"
import { describe as wordsOf } from "../../src/option/Reason.ts"
import { inFlags } from "../../src/option/Speaker.ts"
import * as WebhookRequest from "../../src/option/WebhookRequest.ts"

const made = (settings: SinkSettings, env: Readonly<Record<string, string>> = {}) =>
  Effect.provideService(
    WebhookRequest.of(Object.assign({ webhookUnsigned: true }, settings), 0),
    ConfigProvider.ConfigProvider,
    ConfigProvider.fromEnv({ env })
  )

const event = (data: unknown, more: object = {}): WebhookEvent => ({
  id: "evt_1",
  type: "call_session.updated",
  timestamp: "2026-07-31T07:16:10Z",
  sequence: 1,
  organization: "acme",
  sessionId: "a",
  data,
  ...more
})

const bodyOf = (webhookBody: string, of: WebhookEvent) => Effect.map(made({ webhookBody }), ({ body }) => body?.(of))

const wrong = (settings: SinkSettings, env?: Readonly<Record<string, string>>) =>
  Effect.map(Effect.flip(made(settings, env)), (error) => wordsOf(error, inFlags))

describe("WebhookRequest", () => {
  it.effect("makes objects, lists and texts of a row, with null for what is missing", () =>
    Effect.gen(function* () {
      const text = `{
        "text": "Call of " + string(durationSec) + " s from " + (has(callerNumber) ? callerNumber : "nobody"),
        "fields": [{ "title": "Status", "value": status }, { "title": "Cost", "value": cost }],
        "tag": metadata.crm.tag, "big": metadata.big, "outcome": outcome, "long": durationSec > 60
      }`
      const row = { id: "a", status: "Completed", durationSec: 65, costTotal: "0.10", metadata: { big: 5 } }
      assert.deepStrictEqual(JSON.parse(JSON.stringify(yield* bodyOf(text, event(row)))), {
        text: "Call of 65 s from nobody",
        fields: [
          { title: "Status", value: "Completed" },
          { title: "Cost", value: 0.1 }
        ],
        tag: null,
        big: 5,
        outcome: "completed",
        long: true
      })
    })
  )

  it.effect("has the event and the whole row, sends nothing for null, and knows calls that are gone", () =>
    Effect.gen(function* () {
      const text = '{"id": event.sessionId, "kind": event.type, "lead": row.lead, "all": row}'
      const row = { id: "a", lead: 7 }
      assert.deepStrictEqual(yield* bodyOf(text, event(row)), {
        id: "a",
        kind: "call_session.updated",
        lead: 7,
        all: row
      })
      const some = 'status == "failed" ? {"text": "failed"} : null'
      assert.isUndefined(yield* bodyOf(some, event({ id: "a", status: "completed" })))
      assert.deepStrictEqual(yield* bodyOf(some, event({ id: "a", status: "failed" })), { text: "failed" })
      const gone = event(null, { type: "call_session.removed" })
      assert.deepStrictEqual(yield* bodyOf('{"gone": event.type.endsWith("removed"), "status": status}', gone), {
        gone: true,
        status: null
      })
    })
  )

  it.effect("points at a mistake in an expression", () =>
    Effect.gen(function* () {
      const { problem, quoted } = yield* wrong({ webhookBody: '{"text": statsu}' })
      assert.strictEqual(problem, "--webhook-body: unknown field statsu")
      assert.deepStrictEqual(quoted, ['{"text": statsu}', "         ^^^^^^"])
      assert.match((yield* wrong({ webhookBody: "{1: status}" })).problem, /a key is text in quotes/)
    })
  )

  it.effect("takes headers from the environment, and names the variable that is not set", () =>
    Effect.gen(function* () {
      const settings = { webhookHeader: ["Authorization=CRM_TOKEN", "X-Team=TEAM"] }
      const { headers } = yield* made(settings, { CRM_TOKEN: "Bearer x", TEAM: "7" })
      assert.deepStrictEqual(
        Object.entries(headers).map(([name, value]) => [name, Redacted.value(value)]),
        [
          ["Authorization", "Bearer x"],
          ["X-Team", "7"]
        ]
      )
      assert.deepStrictEqual(yield* wrong(settings, { CRM_TOKEN: "Bearer x" }), {
        problem: "--webhook-header: the environment variable TEAM is not set",
        advice: "Set it to the value of the header."
      })
    })
  )

  it.effect("needs a secret or the word that none is wanted, not both", () =>
    Effect.gen(function* () {
      const env = { CALLSTREAM_WEBHOOK_SECRET: "whsec_x" }
      const signed = yield* made({ webhookUnsigned: false }, env)
      assert.deepStrictEqual([signed.unsigned, signed.secrets === undefined], [false, false])
      const unsigned = yield* made({}, env)
      assert.deepStrictEqual([unsigned.unsigned, unsigned.secrets], [true, undefined])
      assert.match((yield* wrong({ webhookUnsigned: false })).problem, /no secret to sign webhooks/)
      assert.match((yield* wrong({ secret: "whsec_x" })).problem, /^--webhook-unsigned cannot be combined/)
      assert.match((yield* wrong({ webhookBody: "row", batchSize: 5 })).problem, /^--batch-size cannot be combined/)
    })
  )
})
