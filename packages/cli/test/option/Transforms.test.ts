import { type CallSession, Column } from "@callstream/core"
import { assert, describe, it } from "@effect/vitest"
import * as Command from "effect/cli/Command"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Transforms from "../../src/option/Transforms.ts"
import * as Zone from "../../src/option/Zone.ts"
import { fields, flags, pick } from "../../src/option/Declared.ts"
import * as Options from "../../src/option/Options.ts"
import { describe as describeError } from "../../src/option/Reason.ts"
import { inFlags } from "../../src/option/Speaker.ts"
import type { Transforms as Spec } from "../../src/option/PipelineSpec.ts"

const session: CallSession.CallSession = {
  id: "1",
  status: "completed",
  channel: "inbound_call",
  callerNumber: "+14155550123",
  callerEmail: "jane@example.com",
  durationSec: 61,
  startedAt: "2026-07-31T23:16:10Z",
  metadata: { crm: { id: 7 }, "a,b": 1 }
}

const key = "0123456789abcdef0123456789abcdef"

const made = (spec: Spec, env: Readonly<Record<string, string>> = {}, tabular = false, zone = Zone.utc) =>
  Transforms.toTransform(spec, { tabular, zone }).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(env))
  )

const problem = (spec: Spec, env?: Readonly<Record<string, string>>) =>
  Effect.map(Effect.flip(made(spec, env)), ({ errors: [error] }) => {
    const { advice = "", problem, quoted = [] } = describeError(error, inFlags)
    return [problem, ...quoted.map((line) => `  ${line}`), `  ${advice}`].join("\n")
  })

describe("option/Transforms", () => {
  it.effect("are data, which a file may hold as well", () =>
    Effect.gen(function* () {
      const seen: Array<Spec> = []
      const command = Command.make("test", flags(Options.transforms), (values) =>
        Effect.sync(() => void seen.push(pick(Options.transforms, values)))
      )
      const run = Command.runWith(command, { version: "0" })
      yield* run([])
      yield* run([
        "--where",
        "durationSec > 60",
        "--where",
        'status == "a,b"',
        "--derive",
        "direction, startedDate",
        "--redact",
        "phone=hash,email",
        "--calling-code",
        "49",
        "--select",
        'id,metadata["a,b"]=ab',
        "--flatten"
      ])
      assert.deepStrictEqual(seen, [
        {},
        {
          where: ["durationSec > 60", 'status == "a,b"'],
          derive: ["direction", "startedDate"],
          redact: ["phone=hash", "email"],
          callingCode: "49",
          select: ["id", 'metadata["a,b"]=ab'],
          flatten: true
        }
      ])
      for (const spec of seen) {
        const file: unknown = JSON.parse(JSON.stringify(spec))
        assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(Schema.Struct(fields(Options.transforms)))(file), spec)
      }
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("do what they say, in the order of the flags", () =>
    Effect.gen(function* () {
      const transform = yield* made(
        {
          where: ["durationSec > 60", 'direction == "inbound"'],
          derive: ["startedDate", "customerNumber"],
          redact: ["phone=hash", "email"],
          select: [
            "startedDate",
            "customerNumber=who",
            "callerNumber",
            "callerEmail",
            'metadata["a,b"]=ab',
            "metadata.crm"
          ],
          flatten: true
        },
        { CALLSTREAM_REDACT_KEY: key },
        false,
        yield* Zone.make("Asia/Tokyo")
      )
      const row: unknown = transform.apply(session)
      const decoded = yield* Schema.decodeUnknownEffect(Schema.Record(Schema.String, Schema.Unknown))(row)
      const { callerNumber, who, ...others } = decoded
      assert.match(String(who), /^phone_[0-9a-f]{32}$/)
      assert.strictEqual(who, callerNumber)
      assert.deepStrictEqual(others, { startedDate: "2026-08-01", callerEmail: "[email]", ab: 1, "metadata.crm.id": 7 })
      assert.isUndefined(transform.apply(Object.assign({}, session, { durationSec: 60 })))
      assert.deepStrictEqual(Column.names(transform.columns(Column.ofSession)), [
        "startedDate",
        "who",
        "callerNumber",
        "callerEmail",
        "ab",
        "metadata.crm"
      ])
      assert.notInclude(transform.label, key)
    })
  )

  it.effect(
    "reach what is inside of a customer's objects, what is derived, and in brackets what is not known here",
    () =>
      Effect.gen(function* () {
        const select = [
          "metadata.crm.id",
          'postCallAnalysisResult["Lead Score"]=score',
          "analysis.x",
          '["leadScore"]=lead'
        ]
        const newer = Object.assign({}, session, { leadScore: 5, postCallAnalysisResult: { "Lead Score": 3 } })
        assert.deepStrictEqual((yield* made({ select, derive: ["analysis"] })).apply(newer), {
          "metadata.crm.id": 7,
          score: 3,
          lead: 5
        })
        const omit = ['["leadScore"]', "metadata", "postCallAnalysisResult", "startedDate"]
        assert.deepStrictEqual(
          (yield* made({ omit, derive: ["startedDate"] })).apply(newer),
          (yield* made({ omit: ["metadata"] })).apply(session)
        )
      })
  )

  it.effect("leave a table's objects whole, and nothing at all where no flag is given", () =>
    Effect.gen(function* () {
      const table = yield* made({ flatten: true }, {}, true)
      assert.deepStrictEqual(table.apply(session), session)
      assert.include(Column.names(table.columns(Column.ofSession)), "metadata")
      const nothing = yield* made({})
      assert.strictEqual(nothing.apply(session), session)
      assert.strictEqual(nothing.label, "")
    })
  )

  it.effect("know another key, another zone and another expression by the label", () =>
    Effect.gen(function* () {
      const labels: Array<string> = []
      for (const [spec, env, zone] of [
        [{ redact: ["phone=hash"] }, { CALLSTREAM_REDACT_KEY: key }],
        [{ redact: ["phone=hash"] }, { CALLSTREAM_REDACT_KEY: `${key}0` }],
        [{ redact: ["phone=hash"], callingCode: "1" }, { CALLSTREAM_REDACT_KEY: key }],
        [{ derive: ["startedDate"] }, {}],
        [{ derive: ["startedDate"] }, {}, "Europe/Berlin"],
        [{ where: ["durationSec > 60"] }, {}],
        [{ where: ["durationSec > 61"] }, {}]
      ] as const) {
        labels.push((yield* made(spec, env, false, yield* Zone.make(zone))).label)
      }
      assert.strictEqual(new Set(labels).size, labels.length)
    })
  )

  it.effect("are refused with the place and a way out", () =>
    Effect.gen(function* () {
      const where = yield* problem({ where: ["durationSecs > 60"] })
      assert.strictEqual(
        where,
        "--where: unknown field durationSecs\n  durationSecs > 60\n  ^^^^^^^^^^^^\n  Did you mean durationSec?"
      )
      for (const [spec, expected] of [
        [{ derive: ["directon"] }, /directon\n {2}\^{8}\n {2}Did you mean direction\?/],
        [{ derive: ["startedDate@Europe/Berlin"] }, /there is no startedDate@Europe\/Berlin/],
        [{ derive: [] }, /nothing is named/],
        [{ redact: ["fone"] }, /there is no fone/],
        [{ redact: ["phone=blur"] }, /there is no blur/],
        [{ redact: ["phone", "phone=drop"] }, /named twice/],
        [{ redact: ["phone=hash"] }, /no key to hash with\n.*CALLSTREAM_REDACT_KEY/],
        [{ select: ["id", "status=id"] }, /two values under the name id/],
        [{ select: ["metadata."] }, /the name of a field is missing\n.*\n {11}\^/],
        [{ select: ["id="] }, /the new name is missing/],
        [
          { select: ["idd", "status"] },
          /there is no field idd\n {2}idd\n {2}\^{3}\n {2}Did you mean id\? .* \["idd"\]\./
        ],
        [{ select: ["started_at"] }, /Did you mean startedAt\?/],
        [
          { select: ["leadScore=score"] },
          /there is no field leadScore\n.*\n {2}\^{9}\n {2}A field that .* \["leadScore"\]\./
        ],
        [{ omit: ["metdata.crm"] }, /there is no field metdata\n.*\n {2}\^{11}\n {2}Did you mean metadata\?/],
        [{ select: ["direction"] }, /direction is a derived field\n.*\n.*\n {2}Add --derive direction\./],
        [{ select: ["durationSec.minutes"] }, /nothing is inside of durationSec/],
        [{ omit: ["startedDate.year"], derive: ["startedDate"] }, /nothing is inside of startedDate/],
        [{ select: ["recordingUrl"], redact: ["recording=drop"] }, /the redaction drops recordingUrl/],
        [{ omit: ["id=x"] }, /cannot be part of a field path/],
        [{ select: ["id"], omit: ["id"] }, /--omit cannot be combined with --select/],
        [{ callingCode: "+49" }, /not a calling code/]
      ] as const) {
        assert.match(yield* problem(spec), expected)
      }
      const short = yield* problem({ redact: ["email=hash"] }, { CALLSTREAM_REDACT_KEY: "short secret" })
      assert.match(short, /shorter than 16 characters/)
      assert.notInclude(short, "short secret")
    })
  )
})
