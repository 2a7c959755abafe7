import * as S3Credentials from "@callstream/node/S3Credentials"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { folder } from "./SinkStore.ts"

const text = `[default]
aws_access_key_id = DEFAULT
aws_secret_access_key = default-secret

# The one for exports.
[ agency ]\r
aws_access_key_id=AGENCY\r
AWS_SECRET_ACCESS_KEY = a/secret+with=signs\r
aws_session_token = token\r

[half]
aws_access_key_id = HALF
`

const find = (env: Record<string, string>) =>
  Effect.gen(function* () {
    const file = join(yield* folder, "credentials")
    writeFileSync(file, text, { mode: 0o600 })
    const found = yield* S3Credentials.find("s3://calls/calls.csv").pipe(
      Effect.provideService(
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromEnv({ env: { AWS_SHARED_CREDENTIALS_FILE: file, ...env } })
      )
    )
    const { accessKeyId, secretAccessKey, sessionToken } = found
    return [accessKeyId, secretAccessKey, ...(sessionToken === undefined ? [] : [sessionToken])].map(Redacted.value)
  }).pipe(Effect.provide(NodeServices.layer))

describe("S3Credentials.find", () => {
  it.live("takes the keys of the environment before those of a file", () =>
    Effect.gen(function* () {
      const env = { AWS_ACCESS_KEY_ID: "ID", AWS_SECRET_ACCESS_KEY: "secret" }
      assert.deepStrictEqual(yield* find(env), ["ID", "secret"])
      assert.deepStrictEqual(yield* find({ ...env, AWS_SESSION_TOKEN: "token" }), ["ID", "secret", "token"])
      // A session of the environment does not go with the keys of a file.
      assert.deepStrictEqual(yield* find({ AWS_SESSION_TOKEN: "token" }), ["DEFAULT", "default-secret"])
    })
  )

  it.live("reads the profile that AWS_PROFILE names, and otherwise the default one", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* find({}), ["DEFAULT", "default-secret"])
      assert.deepStrictEqual(yield* find({ AWS_PROFILE: "agency" }), ["AGENCY", "a/secret+with=signs", "token"])
    })
  )

  it.live("says that there are no keys: of a profile that is not there, or half, or without a file", () =>
    Effect.gen(function* () {
      for (const env of [{ AWS_PROFILE: "other" }, { AWS_PROFILE: "half" }, { AWS_SHARED_CREDENTIALS_FILE: "/none" }]) {
        const error = yield* Effect.flip(find(env))
        assert.deepStrictEqual(error.reason, { _tag: "NoKeys" })
        assert.notInclude(JSON.stringify(error), "secret")
      }
    })
  )
})
