import { render } from "preact";
import "../../shared/theme.css";
import { catchLinks } from "../../shared/router";
import { Console } from "./console";

// What the server answers itself is not ours to show.
const served = /^\/admin\/(login|logout|api|assets)(\/|$)/;
catchLinks((path) => path.startsWith("/admin/") && !served.test(path));

// What the browser kept of a page it left may be of a session that has ended.
addEventListener("pageshow", (e) => {
  if (e.persisted) location.reload();
});

render(<Console />, document.getElementById("app")!);
