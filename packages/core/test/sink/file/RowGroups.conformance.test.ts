import type { CallSession } from "@callstream/core/model/CallSession"
import { describe } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as FileConformance from "./FileConformance.ts"
import * as GroupFiles from "./GroupFiles.ts"
import * as NdjsonFiles from "./NdjsonFiles.ts"

const forms = [
  ["one file", {}, 7],
  ["one file, a row a group", {}, 1],
  ["one file, never a whole group", {}, 10_000],
  ["by size", { rotate: { bytes: 2500 } }, 4],
  ["by size, larger groups", { rotate: { bytes: 1500 } }, 100],
  ["by day", { rotate: "day" }, 5]
] as const

const canonical = (cost: string): string => BigDecimal.format(BigDecimal.normalize(BigDecimal.fromStringUnsafe(cost)))

const holds = (session: CallSession): unknown =>
  Object.fromEntries(
    Object.entries(session)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, name === "costTotal" && typeof value === "string" ? canonical(value) : value])
  )

describe.each(forms)("RowGroups.make conforms: %s", (_, options, rowsPerGroup) => {
  FileConformance.test({
    make: () => NdjsonFiles.make(options, GroupFiles.kind(rowsPerGroup)),
    torn: "[[torn",
    holds
  })
})
