/** Sinks that write to a bucket of the test server, and what a reader finds there. */
import type { CallSession } from "@callstream/core/model/CallSession"
import type { SessionSink } from "@callstream/core/sink/SessionSink"
import type { ObjectStore } from "@callstream/core/sink/ObjectStore"
import type { SinkConformance } from "@callstream/core/testing"
import * as AgniTransport from "@callstream/node/AgniTransport"
import * as S3Store from "@callstream/node/S3Store"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as S3Server from "./S3Server.ts"
import { type ManifestText, provided } from "./SinkStore.ts"

/** Small, so that a few rows are several parts; a real store takes 5 MiB at least. */
export const partBytes = 500

export const credentials = {
  accessKeyId: Redacted.make(S3Server.keys.accessKeyId),
  secretAccessKey: Redacted.make(S3Server.keys.secretAccessKey)
}

export const bucketOf = ({ endpoint }: Pick<S3Server.S3Server, "endpoint">, options: Partial<S3Store.Options> = {}) =>
  Effect.flatMap(Layer.build(AgniTransport.layer), (context) =>
    Effect.provideContext(
      S3Store.make({ bucket: S3Server.bucket, credentials, endpoint, partBytes, ...options }),
      context
    )
  )

export interface At {
  readonly path: string
  readonly store: ObjectStore
}

interface Store extends SinkConformance.Store {
  readonly prefix: string
}

let made = 0

/** A prefix of its own, in which nothing but whole objects and what waits for them may be. */
export const store = (
  server: S3Server.S3Server,
  options: {
    readonly form: string
    readonly name: string
    readonly rotates: boolean
    readonly parse: (bytes: Buffer) => ReadonlyArray<unknown>
  },
  make: (at: At) => SessionSink<CallSession, FileSystem.FileSystem | Path.Path>
) =>
  Effect.gen(function* () {
    server.fault("drop", 0)
    const store = yield* bucketOf(server)
    const prefix = `${options.form.replaceAll(/\W+/g, "-")}/${made++}/`
    const rowsOf = (key: string) => options.parse(server.read(`${prefix}${key}`) ?? Buffer.from("gone"))
    const found: Store = {
      prefix,
      sink: provided(make({ path: `s3://${S3Server.bucket}/${prefix}${options.name}`, store })),
      read: Effect.sync(() => {
        if (!options.rotates) return server.read(`${prefix}${options.name}`) && rowsOf(options.name)
        const text = server.read(`${prefix}calls.manifest.json`)
        if (text === undefined) return undefined
        const manifest = JSON.parse(text.toString()) as ManifestText
        const rows = manifest.files.flatMap((file) => {
          const rows = rowsOf(file.name)
          if (rows.length !== file.rows) throw new Error(`${file.name} has ${rows.length} rows, not ${file.rows}`)
          return rows
        })
        return manifest.complete ? rows : undefined
      })
    }
    return found
  })
