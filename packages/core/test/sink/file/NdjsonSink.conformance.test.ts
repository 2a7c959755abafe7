import { describe } from "@effect/vitest"
import * as FileConformance from "./FileConformance.ts"
import * as NdjsonFiles from "./NdjsonFiles.ts"

describe.each(Object.entries(NdjsonFiles.forms))("NdjsonSink.make conforms: %s", (_, options) => {
  FileConformance.test({ make: () => NdjsonFiles.make(options), torn: '{"id":"torn' })
})
