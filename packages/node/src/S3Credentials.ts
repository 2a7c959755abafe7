/**
 * Keys of object storage: from the environment, or from the files that other tools use.
 *
 * @since 0.1.0
 */
import { ObjectStore } from "@callstream/core"
import * as TrustedFile from "@callstream/core/platform/TrustedFile"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { homedir } from "node:os"
import { join } from "node:path"

/**
 * Who signs the requests.
 *
 * @since 0.1.0
 * @category models
 */
export interface Credentials {
  readonly accessKeyId: Redacted.Redacted
  readonly secretAccessKey: Redacted.Redacted
  readonly sessionToken?: Redacted.Redacted | undefined
}

const optional = (name: string) =>
  Effect.map(Effect.orElseSucceed(Config.option(Config.String(name)), Option.none<string>), (found) =>
    Option.getOrUndefined(Option.filter(found, (text) => text !== ""))
  )

const secret = (text: string | undefined) => (text === undefined ? undefined : Redacted.make(text))

const toCredentials = (
  id: string | undefined,
  key: string | undefined,
  token: string | undefined
): Credentials | undefined =>
  id === undefined || key === undefined
    ? undefined
    : { accessKeyId: Redacted.make(id), secretAccessKey: Redacted.make(key), sessionToken: secret(token) }

/** The values of a profile in a file of them. */
const profileIn = (text: string, profile: string): ReadonlyMap<string, string> => {
  const values = new Map<string, string>()
  let isOurs = false
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]/.exec(line)?.[1]
    if (section !== undefined) isOurs = section === profile
    const [, name, value] = /^\s*([a-z_]+)\s*=\s*(.*?)\s*$/i.exec(line) ?? []
    if (isOurs && name !== undefined && value !== undefined) values.set(name.toLowerCase(), value)
  }
  return values
}

const profile = Effect.fnUntraced(function* (
  target: string
): Effect.fn.Return<ReadonlyMap<string, string>, ObjectStore.ObjectStoreError, FileSystem.FileSystem> {
  const path = (yield* optional("AWS_SHARED_CREDENTIALS_FILE")) ?? join(homedir(), ".aws", "credentials")
  const name = (yield* optional("AWS_PROFILE")) ?? "default"
  const text = yield* TrustedFile.readString(path, { follow: true }).pipe(
    Effect.catchIf(
      (error) => TrustedFile.refusalOf(error) === undefined,
      () => Effect.succeed("")
    ),
    Effect.mapError((error) => {
      const file = TrustedFile.refusalOf(error)
      return ObjectStore.failure(target, file === undefined ? { _tag: "NoKeys" } : { _tag: "Untrusted", file })
    })
  )
  return profileIn(text, name)
})

/**
 * The keys in `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, or else those of the profile
 * `AWS_PROFILE` in `~/.aws/credentials` or `AWS_SHARED_CREDENTIALS_FILE`. Roles of containers and instances, single sign-on
 * and `credential_process` are not looked for.
 *
 * @since 0.1.0
 * @category constructors
 */
export const find = Effect.fnUntraced(function* (
  target: string
): Effect.fn.Return<Credentials, ObjectStore.ObjectStoreError, FileSystem.FileSystem> {
  const given = toCredentials(
    yield* optional("AWS_ACCESS_KEY_ID"),
    yield* optional("AWS_SECRET_ACCESS_KEY"),
    yield* optional("AWS_SESSION_TOKEN")
  )
  if (given !== undefined) return given
  const values = yield* profile(target)
  const found = toCredentials(
    values.get("aws_access_key_id"),
    values.get("aws_secret_access_key"),
    values.get("aws_session_token")
  )
  return found ?? (yield* ObjectStore.failure(target, { _tag: "NoKeys" }))
})

/**
 * The endpoint and the region that the environment names: `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, and `AWS_REGION` or
 * `AWS_DEFAULT_REGION`.
 *
 * @since 0.1.0
 * @category reading
 */
export const settings = Effect.gen(function* () {
  return {
    endpoint: (yield* optional("AWS_ENDPOINT_URL_S3")) ?? (yield* optional("AWS_ENDPOINT_URL")),
    region: (yield* optional("AWS_REGION")) ?? (yield* optional("AWS_DEFAULT_REGION"))
  }
})
