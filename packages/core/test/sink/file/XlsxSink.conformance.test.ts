import { describe } from "@effect/vitest"
import * as FileConformance from "./FileConformance.ts"
import * as XlsxFiles from "./XlsxFiles.ts"

const forms: Readonly<Record<string, XlsxFiles.Options>> = {
  "one file": {},
  "a new sheet after three rows": { rowsPerSheet: 3 },
  "by size": { rotate: { bytes: 6000 } },
  "by day": { rotate: "day" }
}

describe.each(Object.entries(forms))("XlsxSink.make conforms: %s", (_, options) => {
  FileConformance.test({ make: () => XlsxFiles.make(options), torn: "<row torn", holds: XlsxFiles.holds })
})
