import type { CallSession } from "@callstream/core/model/CallSession"
import type { Compression } from "@callstream/core/sink/Compression"
import * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import { SinkConformance } from "@callstream/core/testing"
import * as Gzip from "@callstream/node/Gzip"
import { afterAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { gunzipSync } from "node:zlib"
import * as S3Sinks from "./S3Sinks.ts"
import * as S3Server from "./S3Server.ts"
import { rowsIn } from "./SinkStore.ts"

const server = await S3Server.start(S3Sinks.partBytes)
afterAll(() => server.close())

const gzip: Compression = { ...Gzip.compression, rowsPerMember: 6 }

/** Each kind of rotation once: every case takes dozens of requests to the server. */
const forms: Readonly<Record<string, Partial<NdjsonSink.Options>>> = {
  "one object": {},
  "by size, compressed": { rotate: { bytes: 1100 }, compression: gzip },
  "by day": { rotate: "day" }
}

/** A row that JSON cannot say. */
const refused = {
  id: "session-refused",
  startedAt: "2026-07-30T21:30:00Z",
  metadata: { odd: 1n }
} satisfies CallSession

describe.each(Object.entries(forms))("NdjsonSink in a bucket conforms: %s", (form, options) => {
  const extension = options.compression === undefined ? "ndjson" : "ndjson.gz"
  const parse = (bytes: Buffer) => rowsIn((options.compression === undefined ? bytes : gunzipSync(bytes)).toString())
  const cases = SinkConformance.cases({
    store: S3Sinks.store(
      server,
      { form, name: `calls.${extension}`, rotates: options.rotate !== undefined, parse },
      (at) => NdjsonSink.make({ ...at, ...options })
    ),
    delivery: "resumable",
    refused,
    large: 120,
    fail: (_, times) => Effect.sync(() => server.fault("503", times)),
    slow: () => Effect.sync(() => server.fault("slow", Infinity))
  })
  for (const { name, notApplicable, test } of cases) {
    it.live.skipIf(notApplicable !== undefined)(name, () => test)
  }
})
