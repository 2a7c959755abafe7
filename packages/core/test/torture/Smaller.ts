/** A case that is wrong, made as small as it stays so: fewer rows, fewer traits, plainer settings. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Case } from "./Adversaries.ts"
import * as Judge from "./AdversaryJudge.ts"

const isWrong = (one: Case): Promise<boolean> =>
  Effect.runPromiseExit(Judge.run(one)).then((exit) => Exit.isSuccess(exit) && exit.value.wrong.length > 0)

const plain = {
  sorting: true,
  newestFirst: true,
  tieOrder: "id",
  beyond: "empty",
  order: "start",
  offsetFrom: "brought"
} as const

/** Plainer settings, each of which may leave it wrong. */
const plainer = (one: Case): ReadonlyArray<Case> => [
  ...(["poison", "span", "offset", "depth", "results", "shard", "replica", "hidden", "date", "change"] as const)
    .filter((name) => one.server[name] !== undefined)
    .map((name) => ({ ...one, server: { ...one.server, [name]: undefined } })),
  ...Object.entries(plain)
    .filter(([name, value]) => Object.entries(one.server).some(([key, other]) => key === name && other !== value))
    .map(([name, value]) => ({ ...one, server: { ...one.server, [name]: value } })),
  ...(one.read.concurrency === 1 ? [] : [{ ...one, read: { ...one.read, concurrency: 1 } }]),
  ...(one.read.order === undefined ? [] : [{ ...one, read: { ...one.read, order: undefined } }]),
  ...(one.read.cuts?.length === 0 ? [] : [{ ...one, read: { ...one.read, cuts: [] } }]),
  ...(one.read.pagesPerWindow === undefined ? [] : [{ ...one, read: { ...one.read, pagesPerWindow: undefined } }])
]

export const make = async (whole: Case): Promise<Case> => {
  let one = whole
  for (let size = Math.ceil(one.rows.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < one.rows.length;) {
      const fewer = { ...one, rows: [...one.rows.slice(0, at), ...one.rows.slice(at + size)] }
      if (await isWrong(fewer)) one = fewer
      else at += size
    }
  }
  for (let changed = true; changed;) {
    changed = false
    for (const other of plainer(one)) {
      if (!(await isWrong(other))) continue
      one = other
      changed = true
      break
    }
  }
  return one
}
