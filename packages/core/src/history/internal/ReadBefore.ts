/** What other processes read of a range, before this one reads its ending. */
import * as Equal from "effect/Equal"
import type * as CoverageSet from "../../coverage/CoverageSet.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import type * as Cut from "./Cut.ts"
import * as PartEvidence from "./PartEvidence.ts"
import * as Shown from "./Shown.ts"

/** A stretch, and where an earlier run left off. */
export interface Begun extends Cut.Stretch {
  readonly at?: Micros.Micros | undefined
}

/** A stretch, from where an earlier run left off. */
export const restOf = ({ at, from, to }: Begun): Micros.Range => ({
  from: Math.min(to, Math.max(from, at ?? from)),
  to
})

/** The parts that are left to read, and whether an earlier run has read some. */
export const toRead = (stretches: ReadonlyArray<Begun>, all: Micros.Range, newestFirst: boolean) => {
  const beginning = stretches[0]?.from ?? all.to
  const rest = stretches.map(restOf).filter(({ from, to }) => from < to)
  const nowhere = newestFirst ? all.from : all.to
  const parts = rest.length === 0 ? [{ from: nowhere, to: nowhere }] : Shown.joined(rest)
  const range = { from: parts[0]?.from ?? nowhere, to: parts.at(-1)?.to ?? nowhere }
  const inPart = parts.length > 1 || range.from > Math.min(beginning, all.from) || range.to < all.to
  return { parts, range, inPart }
}

/** A stretch that another process read, and what that one knows of it. */
export interface Proof extends Micros.Range {
  readonly evidence: PartEvidence.Evidence | undefined
  readonly entries: ReadonlyArray<CoverageSet.Entry>
  /** Calls that came; nothing where that is not known. */
  readonly calls: number | undefined
}

/** The rest of a stretch that the last process to read it did not read itself. */
const restOfProof = ({ calls, entries, evidence, from, to }: Proof, horizon: Micros.Micros) => {
  const rest = { from, to: evidence?.range.from ?? to }
  const own = evidence?.windows.reduce((sum, window) => sum + window.calls, 0) ?? 0
  const proven = entries.every(
    ({ range, verdict }) => verdict === "proven" || range.from >= rest.to || range.to > horizon
  )
  return { ...rest, rows: calls === undefined ? undefined : calls - own, proven }
}

/** What other processes read: the parts whose calls are known one by one, and the rest of which only the number is. */
export const of = (proofs: ReadonlyArray<Proof>, all: Micros.Range, horizon: Micros.Micros) => {
  const before = proofs.map((proof): PartEvidence.Before => {
    const { rows = 0, ...rest } = restOfProof(proof, horizon)
    return { evidence: proof.evidence, counted: rest.from < rest.to ? { ...rest, rows } : undefined }
  })
  const parts = Shown.joined(proofs.flatMap(({ evidence }) => evidence?.range ?? []))
  const rests = proofs.map((proof) => restOfProof(proof, horizon)).filter(({ from, to }) => from < to)
  const [covered] = Shown.joined(proofs)
  const isAll = covered !== undefined && covered.from <= all.from && covered.to >= all.to
  return {
    before,
    parts: parts.length === 0 ? [{ from: all.to, to: all.to }] : parts,
    range: { from: parts[0]?.from ?? all.to, to: parts.at(-1)?.to ?? all.to },
    // Which calls are younger must be known one by one, because those appear at any time.
    inPart: !isAll || rests.some(({ rows, to }) => rows === undefined || to > horizon)
  }
}

/** The evidence of a part whose reading resumes: it must end there, or what came before is known by its number only. */
export const resumed = (
  at: Micros.Micros | undefined,
  evidence: PartEvidence.Evidence | undefined
): PartEvidence.Evidence | undefined => (evidence?.range.to === at ? evidence : undefined)

/** The evidence of the parts that were committed, if it has all of them: windows behind a commit are read again. */
export const committed = (
  parts: ReadonlyArray<Micros.Range>,
  evidence: PartEvidence.Evidence | undefined
): PartEvidence.Evidence | undefined => {
  const all = Shown.joined(parts.filter(({ from, to }) => from < to))
  if (evidence === undefined || all.length === 0) return undefined
  const kept = PartEvidence.within(evidence, all)
  const read = Shown.joined(kept.windows.map(({ from, to }) => ({ from, to })))
  return Equal.equals(read, all) ? kept : undefined
}

/** The same where a range is read in one piece. */
export const committedTo = (at: Micros.Micros, evidence: PartEvidence.Evidence | undefined) =>
  evidence && committed([{ from: evidence.range.from, to: at }], evidence)

interface ToRead {
  readonly parts: ReadonlyArray<Micros.Range>
  readonly range: Micros.Range
  readonly inPart: boolean
}

/**
 * The rest of a part, and what an earlier reading of it knows: as if this one had read all of it.
 *
 * @param alone whether nobody else reads the rest of the range.
 */
export const resume = ({ inPart, parts, range }: ToRead, evidence: PartEvidence.Evidence | undefined, alone = false) =>
  evidence === undefined
    ? { parts, range, inPart, before: [] }
    : {
        parts: Shown.joined([...evidence.parts, ...parts]),
        range: { from: Math.min(evidence.range.from, range.from), to: Math.max(evidence.range.to, range.to) },
        inPart: inPart && !alone,
        before: [{ evidence, counted: undefined }]
      }
