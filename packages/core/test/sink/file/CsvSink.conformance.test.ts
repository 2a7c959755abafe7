import { describe } from "@effect/vitest"
import * as CsvFiles from "./CsvFiles.ts"
import * as FileConformance from "./FileConformance.ts"
import * as NdjsonFiles from "./NdjsonFiles.ts"

describe.each(Object.entries(NdjsonFiles.forms))("CsvSink.make conforms: %s", (_, options) => {
  FileConformance.test({
    make: () => NdjsonFiles.make(options, CsvFiles.csv),
    torn: '"torn',
    holds: CsvFiles.holds
  })
})
