/** What parquet-rs finds in a file: the reader behind Polars, DataFusion and delta-rs, stricter than DuckDB about footers. */
import * as Fs from "node:fs"
import { readParquet } from "parquet-wasm"

/** How many rows it reads; throws where it refuses the file. */
export const rows = (path: string): number => {
  const table = readParquet(Fs.readFileSync(path))
  return table.recordBatches().reduce((sum, batch) => sum + batch.numRows, 0)
}
