from diffrt.cli import main

main()
