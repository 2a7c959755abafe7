/** The script of the thread that only decodes. */
import { serve } from "./Serving.ts"

serve()
