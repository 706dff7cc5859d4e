import { render } from "preact";
import "../../shared/theme.css";
import "./demo.css";
import { Demo } from "./demo";
import { keptTheme, wear } from "./theme";

wear(keptTheme());
render(<Demo />, document.getElementById("app")!);
