// Creates the site for an interactive lab, as the journey does.

import { withSite } from "./site.mjs";

await withSite();
