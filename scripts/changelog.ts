/** Writes CHANGELOG.md from the changesets, as `changeset version` would, without setting a version. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

interface Plan {
  readonly changesets: ReadonlyArray<{
    readonly summary: string
    readonly releases: ReadonlyArray<{ readonly name: string; readonly type: "major" | "minor" | "patch" | "none" }>
  }>
  readonly releases: ReadonlyArray<{ readonly newVersion: string }>
}

const root = resolve(import.meta.dirname, "..")
const folder = mkdtempSync(join(tmpdir(), "callstream-changelog-"))
const file = join(folder, "plan.json")
try {
  execFileSync(join(root, "node_modules/.bin/changeset"), ["status", `--output=${file}`], {
    cwd: root,
    stdio: "ignore"
  })
  const { changesets, releases }: Plan = JSON.parse(readFileSync(file, "utf8"))
  const titles = { major: "Major changes", minor: "Minor changes", patch: "Patch changes", none: "" } as const
  const kinds = ["major", "minor", "patch"] as const
  const kindOf = (change: Plan["changesets"][number]) =>
    kinds.find((kind) => change.releases.some(({ type }) => type === kind)) ?? "none"
  const sections = kinds.flatMap((kind) => {
    const entries = changesets
      .filter((change) => kindOf(change) === kind)
      .map(({ releases, summary }) => {
        const names = releases.map(({ name }) => name.replace("@callstream/", "")).join(", ")
        return `- **${names}**: ${summary.trim().replace(/\n(?=.)/g, "\n  ")}`
      })
    return entries.length === 0 ? [] : [`### ${titles[kind]}`, ...entries]
  })
  const version = releases[0]?.newVersion ?? "0.0.0"
  const text = [
    "# Changelog",
    "For users of callstream who update. All packages have the same version.",
    `## ${version}, not released yet`,
    ...sections
  ].join("\n\n")
  writeFileSync(join(root, "CHANGELOG.md"), `${text}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
