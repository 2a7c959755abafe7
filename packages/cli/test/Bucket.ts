/** A bucket for the tests of a file: a real S3 server, and what a run needs to write to it. */
import { Manifest } from "@callstream/core"
import * as Schema from "effect/Schema"
import { afterAll } from "vitest"
import * as S3Server from "../../node/test/S3Server.ts"

export const decodeManifest = Schema.decodeUnknownSync(Schema.fromJsonString(Manifest.Manifest))

/** It closes when the tests of the file are done. */
export const open = async () => {
  const store = await S3Server.start(8 * 1024 * 1024)
  afterAll(() => store.close())
  const env = {
    AWS_ACCESS_KEY_ID: S3Server.keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: S3Server.keys.secretAccessKey,
    AWS_ENDPOINT_URL_S3: store.endpoint
  }
  return { store, env }
}
