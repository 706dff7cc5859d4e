import { defineConfig } from "vite";

// One file with everything, for pages that have no build of their own.
export default defineConfig({
  build: {
    lib: { entry: "src/index.ts", formats: ["es"], fileName: () => "parley.min.js" },
    emptyOutDir: false,
    minify: true,
    target: "es2022",
    sourcemap: false,
  },
});
